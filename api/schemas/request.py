"""The body of `POST /v1/engine/generate`: the fields, ranges and defaults of FooocusAPI's CommonRequest."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from ..context import Context


class Lora(BaseModel):
    """A LoRA and how strongly it counts."""

    enabled: bool = True
    model_name: str = "None"
    weight: float = Field(default=0.5, ge=-2, le=2)


class CommonRequest(BaseModel):
    """What to draw. The defaults are those of the running Fooocus, where the wire does not fix them."""

    model_config = ConfigDict(extra="allow")

    CATALOGS: ClassVar[dict[str, str]] = {
        "style_selections": "styles",
        "performance_selection": "performances",
        "aspect_ratios_selection": "aspect_ratios",
        "output_format": "output_formats",
        "base_model_name": "models",
        "refiner_model_name": "refiners",
        "sampler_name": "samplers",
        "scheduler_name": "schedulers",
        "vae_name": "vaes",
        "refiner_swap_method": "refiner_swap_methods",
        "metadata_scheme": "metadata_schemes",
    }
    FIXED: ClassVar[frozenset[str]] = frozenset(
        {"prompt", "image_number", "image_seed", "save_metadata_to_images", "generate_image_grid"}
    )

    prompt: str = Field(default="", description="What to draw.")
    negative_prompt: str = Field(default="", description="What to keep out of it.")
    style_selections: list[str] = Field(
        default=["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"],
        description="Names of styles, applied in this order.",
    )
    performance_selection: str = Field(default="Speed", description="How many steps to spend, and with which LoRA.")
    aspect_ratios_selection: str = Field(default="1152*896", description="Width*height in pixels.")
    image_number: int = Field(default=1, ge=1, le=32, description="How many images.")
    output_format: str = Field(default="png", description="File format; `jpg` is taken for `jpeg`.")
    image_seed: int = Field(
        default=-1, ge=-1, le=2**63 - 1, description="Seed of the first image; -1 takes a random one."
    )
    read_wildcards_in_order: bool = Field(default=False, description="Take wildcard lines in order and not at random.")
    sharpness: float = Field(default=2.0, ge=0, le=30)
    guidance_scale: float = Field(default=4.0, ge=1, le=30, description="How closely to follow the prompt.")
    base_model_name: str = Field(default="juggernautXL_v8Rundiffusion.safetensors", description="Checkpoint.")
    refiner_model_name: str = Field(default="None", description="Second checkpoint, or None.")
    refiner_switch: float = Field(
        default=0.5, ge=0.1, le=1, description="Share of the steps before the refiner takes over."
    )
    loras: list[Lora] = Field(default=[], description="LoRAs, as many as Fooocus has places for.")
    disable_preview: bool = Field(default=False, description="Draw without previews.")
    disable_intermediate_results: bool = Field(default=False, description="Show images only when all are done.")
    disable_seed_increment: bool = Field(default=False, description="The same seed for every image of the task.")
    black_out_nsfw: bool = Field(default=False, description="Black images in place of unsafe ones.")
    adm_scaler_positive: float = Field(default=1.5, ge=0, le=3, description="1.0 disables it.")
    adm_scaler_negative: float = Field(default=0.8, ge=0, le=3, description="1.0 disables it.")
    adm_scaler_end: float = Field(default=0.3, ge=0, le=1, description="Share of the steps with ADM guidance.")
    adaptive_cfg: float = Field(default=7.0, ge=1, le=30, description="CFG mimicking from TSNR.")
    clip_skip: int = Field(default=2, ge=1, le=12)
    sampler_name: str = Field(default="dpmpp_2m_sde_gpu")
    scheduler_name: str = Field(default="karras")
    vae_name: str = Field(default="Default (model)")
    overwrite_step: int = Field(
        default=-1, ge=-1, le=200, description="Number of steps; -1 leaves it to the performance."
    )
    overwrite_switch: int = Field(
        default=-1, ge=-1, le=200, description="Step at which the refiner takes over; -1 for none."
    )
    overwrite_width: int = Field(default=-1, ge=-1, le=2048, description="Pixels; -1 leaves it to the aspect ratio.")
    overwrite_height: int = Field(default=-1, ge=-1, le=2048, description="Pixels; -1 leaves it to the aspect ratio.")
    refiner_swap_method: str = Field(default="joint")
    freeu_enabled: bool = Field(default=False)
    freeu_b1: float = Field(default=1.01, ge=0, le=2)
    freeu_b2: float = Field(default=1.02, ge=0, le=2)
    freeu_s1: float = Field(default=0.99, ge=0, le=4)
    freeu_s2: float = Field(default=0.95, ge=0, le=4)
    save_metadata_to_images: bool = Field(default=True, description="Write the parameters into the files.")
    metadata_scheme: str = Field(default="fooocus")
    generate_image_grid: bool = Field(default=False, description="One more image with all of them side by side.")

    stream_output: bool = Field(default=False, description="Answer with server-sent events. Beats `async_process`.")
    async_process: bool = Field(default=False, description="Answer at once with the task's id.")


DELIVERY_FIELDS = frozenset({"stream_output", "async_process"})
"""Say how to answer, not what to draw."""

IGNORED_FIELDS = frozenset(
    {
        "input_image_checkbox",
        "inpaint_mask_upload_checkbox",
        "invert_mask_checkbox",
        "current_tab",
        "inpaint_advanced_masking_checkbox",
    }
)
"""Clients send them, and they have never meant anything."""


def request_model(context: Context) -> type[CommonRequest]:
    """CommonRequest with the running host's defaults and, in its schema, the values the host allows now."""
    fields: dict[str, Any] = {}
    for name, field in CommonRequest.model_fields.items():
        default = None if name in CommonRequest.FIXED else context.default(name)
        catalog = CommonRequest.CATALOGS.get(name)
        if default is None and catalog is None:
            continue
        changed = FieldInfo.merge_field_infos(field)
        if default is not None:
            changed.default = [Lora(**item) for item in default] if name == "loras" else default
        if catalog is not None:
            changed.json_schema_extra = _allowed(context, catalog)
        fields[name] = (field.annotation, changed)
    return create_model("CommonRequest", __base__=CommonRequest, __doc__=CommonRequest.__doc__, **fields)


def _allowed(context: Context, catalog: str) -> Any:
    def add(schema: dict[str, Any]) -> None:
        target = schema.get("items", schema)
        target["enum"] = context.catalog.names(catalog)

    return add
