// The search shows a part of each page, which it reads with fetch. A page from the disk may not do that.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
