"""Windows paths: drives mapped to shares, other machines, short names, streams, devices, case."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from fooocus_api.adapters.startup.flag_types import database_url
from fooocus_api.adapters.webui import file_access
from fooocus_api.adapters.webui.file_access import IMAGES, LOG, is_on_known_drive, is_servable
from fooocus_api.api.requests.timestamps import parse_timestamp, seconds_of
from fooocus_api.api.validation.known_names import ListedNames
from fooocus_api.db.disk.drives import is_remote, synchronised_by_onedrive
from fooocus_api.files.paths import is_device, is_file_name, is_hidden, sqlite_uri
from fooocus_api.images.storage.input_store import FILE_NAME, InputStore
from fooocus_api.images.storage.library import output_file
from fooocus_api.images.storage.places import OwnPlaces
from fooocus_api.tasks.model.workload.lora_tags import LoraFiles, rewritten
from fooocus_api.tasks.model.workload.model_files import is_one_of, listed_as

OUTPUTS = PureWindowsPath(r"Z:\Fooocus 图片\outputs")
SHARE = PureWindowsPath(r"\\nas\share\Fooocus 图片\outputs")
"""The same folder with the letter of its mapped drive resolved."""
FOLDERS = (PureWindowsPath(r"C:\Fooocus_win64\Fooocus"), OUTPUTS, SHARE)


@pytest.mark.parametrize(
    "text",
    [
        r"Z:\Fooocus 图片\outputs\2026-01-31\a.png",
        "z:/Fooocus 图片/outputs/2026-01-31/a.png",
        r"\\NAS\share\Fooocus 图片\outputs\2026-01-31\a.png",
        "//nas/share/Fooocus 图片/outputs/2026-01-31/a.png",
        r"c:\Fooocus_win64\Fooocus\css\style.css",
        "css/style.css",
        r"\Fooocus_win64\Fooocus\css\style.css",
    ],
)
def test_a_mapped_drive_is_known_by_its_letter_and_by_its_share(text: str) -> None:
    assert is_on_known_drive(text, FOLDERS)


@pytest.mark.parametrize(
    "text",
    [
        r"\\evil\share\a.png",
        "//evil/share/a.png",
        r"\\nas\other\a.png",
        r"D:\a.png",
        "D:a.png",
        r"\\?\C:\Fooocus_win64\Fooocus\css\style.css",
        r"\\.\pipe\x",
        r"\\?\UNC\evil\share\a.png",
        r"\??\UNC\evil\share\a.png",
        "/??/UNC/evil/share/a.png",
        r"\??\C:\Fooocus_win64\Fooocus\css\style.css",
        r"\??\COM1",
        r"C:\??\UNC\evil\share\a.png",
    ],
)
def test_another_machine_or_drive_is_not_asked(text: str) -> None:
    assert not is_on_known_drive(text, FOLDERS)


def test_the_webuis_folders_count_as_they_are_named_and_as_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulate a mapped drive with a link: Gradio names files by it, but they resolve to another path."""
    share, drive = tmp_path / "share", tmp_path / "drive"
    image = drive / "outputs" / "2026-01-31" / "a.png"
    (share / "outputs" / "2026-01-31").mkdir(parents=True)
    (share / "temp").mkdir()
    try:
        drive.symlink_to(share, target_is_directory=True)
    except OSError:
        pytest.skip("links can't be made here")
    image.write_bytes(b"x")
    asked: list[set[PurePath]] = []

    def note(text: str, folders: Iterable[PurePath]) -> bool:
        asked.append(set(folders))
        return True

    monkeypatch.setattr(file_access, "is_on_known_drive", note)
    monkeypatch.chdir(drive)
    files = file_access.FileAccess(drive, lambda: (drive / "outputs", drive / "temp"))
    assert files.allows(str(image)) and files.allows(str(share / "outputs" / "2026-01-31" / "a.png"))
    for folder in (drive, share):
        assert {folder, folder / "outputs", folder / "temp"} <= asked[0]


ROOMS = [(SHARE, IMAGES | {LOG})]


@pytest.mark.parametrize(
    ("relative", "given"),
    [
        (r"2026-01-31\a.png", True),
        (r"2026-01-31\A.PNG", True),
        (r"2026-01-31\log.html", True),
        (r"2026-01-31\notes.txt", False),
        (r".fooocus_api\inputs\a.png", False),
        (r"2026-01-31\.hidden.png", False),
        (r"2026-01-31\.png", False),
    ],
)
def test_files_of_a_folder_on_a_share(relative: str, given: bool) -> None:
    assert is_servable(SHARE / relative, ROOMS) is given
    assert is_servable(PureWindowsPath(str(SHARE).upper()) / relative, ROOMS) is given  # Windows compares without case
    assert not is_servable(PureWindowsPath(r"\\nas\share\elsewhere") / relative, ROOMS)


def test_a_hidden_folder_is_hidden_by_its_whole_name() -> None:
    """Check the resolved name: `FOOOCU~1` is `.fooocus_api`, although it does not begin with a dot."""
    asked, found = PurePosixPath("FOOOCU~1", "a.png"), OUTPUTS / ".fooocus_api" / "a.png"
    assert not any(part.startswith(".") for part in asked.parts)
    assert is_hidden(found, PureWindowsPath(str(OUTPUTS).lower())) and not is_hidden(OUTPUTS / "d" / "a.png", OUTPUTS)


def test_a_short_name_of_the_hidden_folder_gives_nothing(tmp_path: Path) -> None:
    """Simulate a short name with a link: both are other names of the folder."""
    state = tmp_path / "outputs" / ".fooocus_api"
    state.mkdir(parents=True)
    (state / "a.png").write_bytes(b"x")
    try:
        (tmp_path / "outputs" / "FOOOCU~1").symlink_to(state, target_is_directory=True)
    except OSError:
        pytest.skip("links can't be made here")
    assert output_file([tmp_path / "outputs"], PurePosixPath("FOOOCU~1", "a.png")) is None
    (tmp_path / "outputs" / "2026-01-31").mkdir()
    (tmp_path / "outputs" / "2026-01-31" / "a.png").write_bytes(b"x")
    assert output_file([tmp_path / "outputs"], PurePosixPath("2026-01-31", "a.png")) is not None


ELSEWHERE = [
    "..",
    ".",
    "",
    "a\\b.png",
    r"..\a.png",
    "C:a.png",
    "C:",
    "a.png:b.png",
    "a.png::$DATA",
    "//nas/a.png",
    "a\0.png",
]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_names_that_lead_elsewhere_are_no_files_names(name: str) -> None:
    assert not is_file_name(name)


@pytest.mark.parametrize("name", [name for name in ELSEWHERE if name not in ("", ".")])  # pathlib drops those two
def test_references_lead_nowhere_else(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(path: Path, strict: bool = False) -> Path:
        raise AssertionError(f"{path} was looked up")

    monkeypatch.setattr(Path, "resolve", resolve)
    store = InputStore(tmp_path / "inputs")
    for reference in (f"outputs/2026-01-31/{name}", f"outputs/{name}/a.png", f"inputs/{name}"):
        with pytest.raises(FileNotFoundError):
            OwnPlaces(lambda: [tmp_path], store).find_reference(reference)
        assert FILE_NAME.fullmatch(name) is None


@pytest.mark.parametrize(
    "name", ["con", "CON.png", "Aux .txt", "nul.tar.gz", "COM1", "lpt9.png", "CONIN$", "conout$", "COM¹"]
)
def test_devices_are_devices_whatever_follows(name: str) -> None:
    assert is_device(name)


@pytest.mark.parametrize("name", ["console", "com", "com10", "lpt", "a.con", "nulls.png"])
def test_names_like_those_of_devices_are_none(name: str) -> None:
    assert not is_device(name)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PureWindowsPath(r"\\nas\share\out puts\db.sqlite3"), "file:////nas/share/out%20puts/db.sqlite3"),
        (PureWindowsPath(r"C:\图\a#b?.sqlite3"), "file:///C:/%E5%9B%BE/a%23b%3F.sqlite3"),
        (PurePosixPath("/var/a b.sqlite3"), "file:///var/a%20b.sqlite3"),
    ],
)
def test_sqlite_opens_files_of_shares(path: PurePath, uri: str) -> None:
    assert sqlite_uri(path) == uri


def test_only_the_drive_in_question_is_asked() -> None:
    asked: list[str] = []

    def drive_type(anchor: str) -> int:
        asked.append(anchor)
        return {"Z:\\": 4, "C:\\": 3}[anchor]

    assert is_remote(OUTPUTS / "tasks.sqlite3", drive_type)
    assert not is_remote(FOLDERS[0] / "tasks.sqlite3", drive_type)
    assert is_remote(SHARE / "tasks.sqlite3", drive_type)
    assert asked == ["Z:\\", "C:\\"]


def test_onedrive_is_known_by_its_variables() -> None:
    variables = {"OneDrive": r"C:\Users\ann\OneDrive", "OneDriveCommercial": "", "PATH": "C:\\"}
    assert synchronised_by_onedrive(PureWindowsPath(r"c:\users\Ann\OneDrive\Desktop\Fooocus\outputs"), variables)
    assert not synchronised_by_onedrive(PureWindowsPath(r"C:\Users\ann\OneDrive2\outputs"), variables)
    assert not synchronised_by_onedrive(OUTPUTS, {})


MODELS = ["SDXL\\Juggernaut.safetensors", "juggernaut.safetensors", "Night.safetensors"]


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("SDXL/Juggernaut.safetensors", MODELS[0]),
        ("sdxl/JUGGERNAUT.safetensors", MODELS[0]),
        ("Juggernaut.safetensors", MODELS[1]),
        ("night.SAFETENSORS", MODELS[2]),
        ("SD15/Juggernaut.safetensors", None),
        ("none.safetensors", None),
    ],
)
def test_models_are_found_with_either_separator_and_case(name: str, listed: str | None) -> None:
    assert listed_as(name, MODELS, case_matters=False) == listed


def test_elsewhere_case_matters() -> None:
    assert listed_as("night.safetensors", MODELS, case_matters=True) is None
    assert listed_as("SDXL/Juggernaut.safetensors", MODELS, case_matters=True) == MODELS[0]


def test_a_request_gets_the_names_as_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Catalog:
        def names(self, kind: str) -> list[str]:
            return MODELS

        def refresh(self) -> None:
            """Do nothing: the lists have not changed."""

        def wildcard(self, name: str) -> str:
            return ""

    assert ListedNames(Catalog())("models", "SDXL/Juggernaut.safetensors") == MODELS[0]
    assert ListedNames(Catalog())("models", "night.safetensors") == "night.safetensors"
    monkeypatch.setattr("fooocus_api.api.validation.known_names.CASE_MATTERS", False)
    monkeypatch.setitem(listed_as.__kwdefaults__ or {}, "case_matters", False)
    assert ListedNames(Catalog())("models", "night.safetensors") == "Night.safetensors"


def test_files_that_are_coming_are_known_by_their_last_parts() -> None:
    coming = [PureWindowsPath(r"D:\models\loras\SDXL\mist.safetensors")]
    for name in ("SDXL/mist.safetensors", r"SDXL\mist.safetensors", "mist.safetensors"):
        assert is_one_of(name, coming)
    assert not is_one_of("SD15/mist.safetensors", coming) and not is_one_of("Mist.safetensors", coming)
    assert is_one_of("sdxl/Mist.SAFETENSORS", coming, case_matters=False)


def test_a_tag_finds_its_lora_without_regard_to_case() -> None:
    files = LoraFiles(["SDXL\\Mist.safetensors"], case_matters=False)
    assert files.meant("mist") == files.meant("sdxl/MIST") == "SDXL\\Mist.safetensors"
    plain = LoraFiles(["Haze.safetensors"], case_matters=False)
    assert rewritten(["a lake <lora:HAZE:0.5>"], plain) == ["a lake <lora:Haze:0.5>"]


def raising(moment: datetime) -> float:
    """Raise as Windows does for local times before 1970 and after 3000."""
    raise OSError(22, "Invalid argument")


@pytest.mark.parametrize(
    "text", ["1970-01-01T00:00:00", "0002-01-01T00:00:00", "3001-01-01T00:00:00", "9998-12-31T23:59:59"]
)
def test_times_of_which_windows_knows_nothing(text: str) -> None:
    moment = datetime.fromisoformat(text)
    assert abs(seconds_of(moment, raising) - moment.timestamp()) <= 24 * 3600  # the zone's offset has changed since
    assert parse_timestamp("start_at", text) == int(moment.timestamp() * 1000)


def test_a_database_url_with_two_slashes_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="sqlite:///C:/a"):
        database_url("sqlite://C:/a")
    assert database_url("sqlite:///C:/a #1") == "sqlite:///C:/a #1"
