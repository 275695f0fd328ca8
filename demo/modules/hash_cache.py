"""Hashes of model files, each computed when its file is first used."""
import hashlib

hash_cache: dict[str, str] = {}


def sha256_from_cache(filepath: str) -> str:
    """Return the start of a file's SHA-256."""
    if filepath not in hash_cache:
        with open(filepath, 'rb') as file:
            hash_cache[filepath] = hashlib.sha256(file.read()).hexdigest()[:10]
    return hash_cache[filepath]
