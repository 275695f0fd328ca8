/**
 * A value that others watch.
 * @module
 */

/**
 * @template T
 * @typedef {object} Store
 * @property {() => T} get
 * @property {(patch: Partial<T>) => void} set merges members into the value, and calls the listeners if one has changed.
 * @property {(listener: (value: T) => void, now?: boolean) => () => void} watch calls the listener at each change, and at once unless
 *   `now` is false; the returned function ends that.
 */

/**
 * Build a store.
 *
 * @template {object} T
 * @param {T} initial
 * @returns {Store<T>}
 */
export function createStore(initial) {
  let value = initial;
  const listeners = new Set();
  return {
    get: () => value,
    set(patch) {
      const names = /** @type {(keyof T)[]} */ (Object.keys(patch));
      if (names.every((name) => Object.is(value[name], patch[name]))) return;
      value = { ...value, ...patch };
      for (const listener of [...listeners]) listener(value);
    },
    watch(listener, now = true) {
      listeners.add(listener);
      if (now) listener(value);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * Collect functions that undo something, to call them all at the end of a page. One that is added later is called at once.
 *
 * @returns {{add: (...ends: (() => void)[]) => void, end: () => void, isOver: () => boolean}}
 */
export function cleanups() {
  /** @type {(() => void)[]} */
  let all = [];
  let over = false;
  return {
    add: (...ends) => {
      if (over) for (const end of ends) end();
      else all.push(...ends);
    },
    isOver: () => over,
    end: () => {
      over = true;
      const ends = all;
      all = [];
      for (const end of ends.reverse()) end();
    },
  };
}

/**
 * Call a function at most once in an interval, with a last call after the interval if there were more.
 *
 * @param {() => void} action
 * @param {number} ms
 */
export function throttled(action, ms) {
  let timer = 0;
  let again = false;
  return function call() {
    if (timer) {
      again = true;
      return;
    }
    action();
    timer = window.setTimeout(() => {
      timer = 0;
      if (again) {
        again = false;
        call();
      }
    }, ms);
  };
}
