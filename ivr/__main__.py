"""`python -m ivr`: the command line, where `ivr` is not on the path."""

from ivr.cli import main

if __name__ == "__main__":
    main()
