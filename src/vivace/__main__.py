"""`python -m vivace` is the `vivace` command."""

from vivace.cli import main

if __name__ == "__main__":
    main()
