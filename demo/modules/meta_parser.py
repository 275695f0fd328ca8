"""Parameters inside image files, in two schemes: JSON, and the plain text that other programs read."""
import json
import re
from abc import ABC, abstractmethod
from pathlib import Path

from PIL import Image

import fooocus_version
import modules.config
from modules.flags import SAMPLERS, MetadataScheme
from modules.hash_cache import sha256_from_cache
from modules.util import get_file_from_folder_list, is_json

USER_COMMENT, MAKER_NOTE, SOFTWARE = 0x9286, 0x927C, 0x0131  # EXIF tags


class MetadataParser(ABC):
    """Converter of one image's parameters: `set_data` comes first, then the log's entries are turned into text."""

    def set_data(self, raw_prompt, full_prompt, raw_negative_prompt, full_negative_prompt, steps,
                 base_model_name, refiner_model_name, loras, vae_name):
        self.raw_prompt, self.full_prompt = raw_prompt, full_prompt
        self.raw_negative_prompt, self.full_negative_prompt = raw_negative_prompt, full_negative_prompt
        self.steps = steps
        self.vae_name = Path(vae_name).stem
        folders = modules.config.paths_checkpoints
        self.base_model_name, self.base_model_hash = _named(base_model_name, folders)
        refiner = '' if refiner_model_name == 'None' else refiner_model_name
        self.refiner_model_name, self.refiner_model_hash = _named(refiner, folders)
        loras = [(*_named(name, modules.config.paths_loras), weight) for name, weight in loras]
        self.loras = [(name, weight, digest) for name, digest, weight in loras]

    @abstractmethod
    def get_scheme(self) -> MetadataScheme: ...

    @abstractmethod
    def to_string(self, metadata: list) -> str: ...

    @abstractmethod
    def to_json(self, metadata) -> dict: ...


class FooocusMetadataParser(MetadataParser):
    def get_scheme(self) -> MetadataScheme:
        return MetadataScheme.FOOOCUS

    def to_string(self, metadata: list) -> str:
        data = {key: value for _, key, value in metadata} | {
            'full_prompt': self.full_prompt, 'full_negative_prompt': self.full_negative_prompt,
            'base_model': self.base_model_name, 'base_model_hash': self.base_model_hash,
            'steps': self.steps, 'vae': self.vae_name, 'loras': self.loras}
        if self.refiner_model_name:
            data |= {'refiner_model': self.refiner_model_name, 'refiner_model_hash': self.refiner_model_hash}
        if modules.config.metadata_created_by:
            data['created_by'] = modules.config.metadata_created_by
        return json.dumps(dict(sorted(data.items())))

    def to_json(self, metadata: dict) -> dict:
        return metadata


class A1111MetadataParser(MetadataParser):
    names = {'steps': 'Steps', 'sampler': 'Sampler', 'scheduler': 'Scheduler', 'seed': 'Seed',
             'resolution': 'Size', 'guidance_scale': 'CFG scale', 'sharpness': 'Sharpness',
             'base_model': 'Model', 'base_model_hash': 'Model hash', 'refiner_model': 'Refiner',
             'refiner_model_hash': 'Refiner hash', 'performance': 'Performance', 'vae': 'VAE',
             'adm_guidance': 'ADM Guidance', 'raw_prompt': 'Raw prompt', 'raw_negative_prompt': 'Raw negative prompt',
             'lora_hashes': 'Lora hashes', 'lora_weights': 'Lora weights', 'clip_skip': 'Clip skip',
             'version': 'Version'}

    def get_scheme(self) -> MetadataScheme:
        return MetadataScheme.A1111

    def to_string(self, metadata: list) -> str:
        data = {key: value for _, key, value in metadata}
        width, height = re.findall(r'\d+', data['resolution'])
        data |= {'steps': self.steps, 'sampler': SAMPLERS.get(data['sampler']) or data['sampler'],
                 'vae': self.vae_name, 'resolution': f'{width}x{height}',
                 'base_model': self.base_model_name, 'base_model_hash': self.base_model_hash,
                 'refiner_model': self.refiner_model_name, 'refiner_model_hash': self.refiner_model_hash,
                 'raw_prompt': self.raw_prompt, 'raw_negative_prompt': self.raw_negative_prompt,
                 'lora_hashes': ', '.join(f'{name}: {digest}' for name, _, digest in self.loras),
                 'lora_weights': ', '.join(f'{name}: {weight}' for name, weight, _ in self.loras)}
        values = {name: data.get(key, '') for key, name in self.names.items()}
        last = ', '.join(f'{name}: {_quoted(str(value))}' for name, value in values.items() if value != '')
        negative = ', '.join(self.full_negative_prompt)
        negative_line = [f'Negative prompt: {negative}'] if negative else []
        return '\n'.join([', '.join(self.full_prompt), *negative_line, last]).strip()

    def to_json(self, metadata: str) -> dict:
        *prompts, last = metadata.split('\n')
        keys = {name: key for key, name in self.names.items()}
        found = re.findall(r'([A-Z][\w ]*): ("(?:\\.|[^\\"])*"|[^,]*)(?:, |$)', last)
        data = {keys[name]: json.loads(value) if value.startswith('"') else value
                for name, value in found if name in keys}
        prompt, _, negative = '\n'.join(prompts).partition('\nNegative prompt: ')
        return {'prompt': prompt, 'negative_prompt': negative} | data


def get_metadata_parser(metadata_scheme: MetadataScheme) -> MetadataParser:
    return A1111MetadataParser() if metadata_scheme == MetadataScheme.A1111 else FooocusMetadataParser()


def read_info_from_image(file: Image.Image):
    """Return the parameters in an image (dict, text or None) and their scheme (or None)."""
    parameters, scheme = file.info.get('parameters'), file.info.get('fooocus_scheme')
    if parameters is None:
        exif = file.getexif()
        parameters, scheme = exif.get(USER_COMMENT), exif.get(MAKER_NOTE)
    if parameters is None:
        return None, None
    if is_json(parameters):
        parameters = json.loads(parameters)
    schemes = [known for known in MetadataScheme if known.value == scheme]
    return parameters, schemes[0] if schemes else None


def get_exif(metadata: str, metadata_scheme: str) -> Image.Exif:
    exif = Image.Exif()
    exif[USER_COMMENT], exif[MAKER_NOTE] = metadata, metadata_scheme
    exif[SOFTWARE] = f'Fooocus v{fooocus_version.version}'
    return exif


def _named(name: str, folders) -> tuple[str, str]:
    """Return a model's name without its extension, and the start of its SHA-256 ('' without a file)."""
    path = Path(get_file_from_folder_list(name, folders))
    return Path(name).stem, sha256_from_cache(str(path)) if path.is_file() else ''


def _quoted(value: str) -> str:
    return json.dumps(value) if any(c in value for c in ',:\n"') else value
