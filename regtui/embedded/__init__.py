"""A registry inside the process: an ASGI application over OCI image layouts on disk, and the demo's contents."""
