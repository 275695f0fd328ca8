"""APIs of other image servers, translated into the native one."""
