"""`python -m nichetune`: the command line, where no script is on the path."""

from nichetune.cli.app import main

if __name__ == "__main__":
    main()
