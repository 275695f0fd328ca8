"""The WebUI's login: auth.json lists {"user", "pass"} or {"user", "hash": SHA-256}. Only with that file is it on."""
import hashlib
import json
import os

import modules.constants as constants


def load_auth_data(filename: str) -> dict[str, str] | None:
    if not os.path.exists(filename):
        return None
    try:
        with open(filename, encoding='utf-8') as file:
            users = json.load(file)
        return {user['user']: user['hash'] if 'hash' in user else _sha256(user['pass'])
                for user in users} or None
    except (ValueError, TypeError, KeyError) as error:
        print(f'Could not read {filename}: {error!r}')
        return None


def _sha256(password: str) -> str:
    return hashlib.sha256(password.encode('utf-8')).hexdigest()


auth_dict = load_auth_data(constants.AUTH_FILENAME)
auth_enabled = auth_dict is not None


def check_auth(user: str, password: str) -> bool:
    return auth_dict is not None and auth_dict.get(user) == _sha256(password)
