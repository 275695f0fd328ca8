// The search shows a part of each page, which it reads with fetch. A page from the disk may not do that.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Sphinx has no Chinese for the number of results.
if (document.documentElement.lang.startsWith("zh")) {
  const found = "搜索完成，找到 ${resultCount} 个页面。";
  Object.assign(Documentation.TRANSLATIONS, {
    "Search finished, found one page matching the search query.": [found.replace("${resultCount}", "1"), found],
  });
}
