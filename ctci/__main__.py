"""python -m ctci."""

from ctci.cli import main

if __name__ == "__main__":
    main()
