/**
 * Addresses of the server below which this page lies, also behind a proxy that puts a prefix before its paths.
 * @module
 */

/** The server's root as a path with a final slash: everything before `/dashboard` or `/dashboard/`, at which the page lies. */
const ROOT = location.pathname.replace(/dashboard\/?$/, "");

/** The ends of images' paths: of a style's sample, and of files. The last ones count, as a proxy's prefix may look the same. */
const IMAGES = [/.*(\/v1\/engines\/styles\/[^/]+\/sample)$/, /.*(\/(?:outputs|inputs)\/.*)$/];

/**
 * Return the address of an API path.
 *
 * @param {string} path with its leading slash.
 * @param {Record<string, any>} [query] null, undefined and empty values are left out; arrays give a parameter more than once.
 */
export function address(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") search.append(name, String(one));
    }
  }
  const text = search.toString();
  return ROOT + path.replace(/^\//, "") + (text ? `?${text}` : "");
}

/**
 * Return an image's address at this page's own host. Records name the host that their reader used, or the one of `--base-url`,
 * which the page may not load from.
 *
 * @param {string | null | undefined} url
 * @param {Record<string, any>} [query] parameters to add, as `width` for a thumbnail.
 */
export function image(url, query = {}) {
  if (!url) return "";
  let parsed;
  try {
    parsed = new URL(url, location.href);
  } catch {
    return "";
  }
  const { pathname } = parsed;
  const [path = pathname] = IMAGES.map((one) => one.exec(pathname)?.[1]).filter(Boolean);
  const search = new URLSearchParams(parsed.search);
  for (const [name, value] of Object.entries(query)) search.set(name, String(value));
  const text = search.toString();
  return ROOT + path.replace(/^\//, "") + (text ? `?${text}` : "");
}

const WIDTHS = [128, 256, 384, 512, 768, 1024];

/**
 * Return the address of a thumbnail that is at least as wide as it is shown.
 *
 * @param {string | null | undefined} url
 * @param {number} width in CSS pixels.
 */
export function thumbnail(url, width) {
  const wanted = width * Math.min(window.devicePixelRatio || 1, 2);
  return image(url, { width: WIDTHS.find((one) => one >= wanted * 0.9) ?? 1024 });
}

/** Return an absolute address for programs outside the browser, as in a copied command. */
export function absolute(path) {
  return new URL(address(path), location.href).href;
}
