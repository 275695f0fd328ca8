"""The depot: the place where all processes of a cluster find image files, a shared folder or an object store."""
