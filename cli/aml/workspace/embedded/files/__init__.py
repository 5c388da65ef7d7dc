"""Files as the workspace keeps them: blobs, snapshots, downloads, archives."""
