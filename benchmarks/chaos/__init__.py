"""An hour of faults: kills, pauses, full disks, floods and elections over a whole service with players."""
