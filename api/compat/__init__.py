"""The APIs of other programs, each a thin translation onto the submission of this one."""
