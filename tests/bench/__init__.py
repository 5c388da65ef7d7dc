"""The measurements that the README quotes; each module is a script of its own."""
