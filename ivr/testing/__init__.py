"""The test kit, shipped: scripts of calls, a world in one process, builders."""
