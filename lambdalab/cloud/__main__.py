"""Be the cloud of a ``Lab``: ``python -m lambdalab.cloud``."""

from lambdalab.cloud.process import main

if __name__ == "__main__":
    main()
