/**
 * Chinese descriptions of a request's fields, by the English ones of the schema. Written by docs/write_parameters.py.
 * @module
 */

/** @type {Record<string, string>} */
export default {
  "The description of the image. At most 100 arrays, as `[[red,blue]]`, and 100 wildcards.":
    "对图片的描述。最多 100 个数组（如 `[[red,blue]]`）和 100 个通配符。",
  "The description of what to avoid in the image. At most 100 arrays, as `[[red,blue]]`, and 100 wildcards.":
    "图片中要避免的内容。最多 100 个数组（如 `[[red,blue]]`）和 100 个通配符。",
  "Labels of the task, of up to 64 characters, by which `GET /tasks?tag=` filters. Repeated ones count once.":
    "任务的标签，每个最多 64 个字符；`GET /tasks?tag=` 按它们过滤。重复的只算一个。",
  "An object that comes back unchanged in records, events and webhooks; as JSON it may have 4096 bytes.":
    "一个对象，在任务记录、事件和 Webhook 里原样返回；写成 JSON 最多 4096 字节。",
  "Names of styles, applied in this order.":
    "风格的名称，按这个顺序应用。",
  "The number of steps, and the LoRA that suits it.":
    "决定步数，以及配套的 LoRA。",
  "The number of images.":
    "图片的数量。",
  "The file format; `jpg` means `jpeg`.":
    "文件格式；`jpg` 等同 `jpeg`。",
  "The seed of the first image, as a number or as text; -1 for a random seed.":
    "第一张图片的种子，可以写成数字或文本；-1 表示随机种子。",
  "Use the lines of wildcards in order, not at random.":
    "按顺序使用通配符的各行，而不是随机选取。",
  "The sharpness of the image; lower is softer.":
    "图片的锐度；数值越低越柔和。",
  "The strength of the prompt's influence.":
    "提示词的影响力。",
  "The checkpoint.":
    "基础模型（checkpoint）。",
  "The second checkpoint, or `None`.":
    "第二个模型（checkpoint），或 `None`。",
  "The share of the steps before the refiner takes over.":
    "Refiner 接手之前的步数所占的比例。",
  "The LoRAs; Fooocus limits their number.":
    "使用的 LoRA；数量上限由 Fooocus 决定。",
  "Generate without previews.":
    "生成时不输出预览图。",
  "Show images only once all are finished.":
    "全部图片完成之后才显示。",
  "Use the same seed for every image of the task.":
    "任务的每张图片都用同一个种子。",
  "Replace unsafe images by black ones.":
    "用黑色图片代替不适宜的图片。",
  "1.0 disables it.":
    "1.0 表示关闭。",
  "The share of the steps with ADM guidance.":
    "使用 ADM 引导的步数所占的比例。",
  "CFG mimicking from TSNR.":
    "用 TSNR 模拟 CFG 的数值。",
  "One more than the number of CLIP's last layers to skip: 1 skips none.":
    "CLIP 末尾要跳过的层数加一：1 表示不跳过。",
  "The noise scheduler. Few-step performances use their own.":
    "噪声调度器。步数很少的性能模式使用自己的调度器。",
  "The VAE file, or the checkpoint's own.":
    "VAE 文件，或模型自带的 VAE。",
  "The number of steps; -1 uses the performance's.":
    "步数；-1 使用性能模式的步数。",
  "The step at which the refiner takes over; -1 uses `refiner_switch`.":
    "Refiner 接手的步数；-1 使用 `refiner_switch`。",
  "Pixels, rounded down to a multiple of 8; -1 or 0 uses the aspect ratio's.":
    "像素，向下取为 8 的倍数；-1 或 0 使用宽高比的数值。",
  "The method by which the refiner takes over.":
    "Refiner 接手的方式。",
  "Generate with FreeU.":
    "生成时使用 FreeU。",
  "FreeU's factor for the backbone, first stage.":
    "FreeU 第一阶段主干的系数。",
  "FreeU's factor for the backbone, second stage.":
    "FreeU 第二阶段主干的系数。",
  "FreeU's factor for the skip connections, first stage.":
    "FreeU 第一阶段跳跃连接的系数。",
  "FreeU's factor for the skip connections, second stage.":
    "FreeU 第二阶段跳跃连接的系数。",
  "Embed the parameters in the image files.":
    "把生成参数嵌入图片文件。",
  "The scheme of the embedded parameters; `a111` means `a1111`.":
    "嵌入参数的方案；`a111` 等同 `a1111`。",
  "Add an image with all images side by side.":
    "另外生成一张并排显示所有图片的宫格图。",
  "The image to vary or upscale. URL, base64, data URI, or the URL of an input or output of this server; `None` for no image.":
    "要变化或放大的图像。可以是 URL、base64、data URI，或本服务器的上传图像、结果图片的 URL；`None` 表示没有图像。",
  "The method to vary or upscale the image.":
    "变化或放大图像的方法。",
  "The factor of `Upscale (Custom)`.":
    "`Upscale (Custom)` 的放大倍数。",
  "Denoising strength of Vary; -1 for the method's own.":
    "变化的重绘强度；-1 使用方法自带的数值。",
  "Denoising strength of Upscale; -1 for the method's own.":
    "放大的重绘强度；-1 使用方法自带的数值。",
  "The image to inpaint or outpaint. URL, base64, data URI, or the URL of an input or output of this server; `None` for no image.":
    "要局部重绘或扩图的图像。可以是 URL、base64、data URI，或本服务器的上传图像、结果图片的 URL；`None` 表示没有图像。",
  "The mask. White is generated again, regardless of its alpha; areas that a canvas leaves transparent count as black and are kept. URL, base64, data URI, or the URL of an input or output of this server; `None` for no image.":
    "遮罩。白色区域会重新生成，与透明度无关；画布上透明的区域算作黑色，保持不变。可以是 URL、base64、data URI，或本服务器的上传图像、结果图片的 URL；`None` 表示没有图像。",
  "A text placed before the prompt when inpainting.":
    "局部重绘时放在提示词之前的文本。",
  "The sides to extend.":
    "要向外扩展的边。",
  "Pixels to add [left, top, right, bottom]; 0 adds 30 % on a selected side.":
    "四边增加的像素 [左, 上, 右, 下]；0 表示在选中的边增加 30%。",
  "Return only the preprocessed image and mask.":
    "只返回预处理后的图像和遮罩。",
  "Start from noise only.":
    "只从噪声开始。",
  "The inpaint model, or `None`.":
    "局部重绘的模型，或 `None`。",
  "Denoising strength of inpaint; outpaint uses 1.0.":
    "局部重绘的重绘强度；扩图使用 1.0。",
  "The area to consider: 0 is the mask only, 1 the whole image.":
    "参考的范围：0 只看遮罩，1 看整张图像。",
  "Pixels to grow the mask by; negative values shrink it.":
    "遮罩扩张的像素；负数表示收缩。",
  "The image prompts; Fooocus limits their number.":
    "图像提示；数量上限由 Fooocus 决定。",
  "Combine image prompts with `uov_input_image`.":
    "把图像提示与 `uov_input_image` 一起使用。",
  "Combine image prompts with `inpaint_input_image`.":
    "把图像提示与 `inpaint_input_image` 一起使用。",
  "Return only the preprocessed control images.":
    "只返回预处理后的控制图像。",
  "Use the control images without preprocessing.":
    "直接使用控制图像，不做预处理。",
  "PyraCanny drops weaker edges.":
    "PyraCanny 舍弃更弱的边缘。",
  "PyraCanny always keeps stronger edges.":
    "PyraCanny 始终保留更强的边缘。",
  "The reduction of the control images' effect in late layers.":
    "控制图像在后面各层的影响减弱的程度。",
  "The image to enhance. URL, base64, data URI, or the URL of an input or output of this server; `None` for no image.":
    "要增强的图像。可以是 URL、base64、data URI，或本服务器的上传图像、结果图片的 URL；`None` 表示没有图像。",
  "Enhance the generated images; implied by `enhance_input_image`.":
    "对生成的图片做增强修图；给出 `enhance_input_image` 时自动开启。",
  "The method to vary or upscale as part of the enhancement.":
    "增强修图中变化或放大的方法。",
  "The time at which to vary or upscale.":
    "变化或放大的时机。",
  "The prompts with which to vary or upscale.":
    "变化或放大所用的提示词。",
  "The enhancements; Fooocus limits their number.":
    "各项增强修图设置；数量上限由 Fooocus 决定。",
  "Use the boxes of GroundingDINO in place of masks.":
    "用 GroundingDINO 的框代替遮罩。",
  "Pixels to grow the boxes by; negative values shrink them.":
    "框扩张的像素；负数表示收缩。",
  "Return the masks as images, too.":
    "把遮罩也作为图片返回。",
  "Keep only the last image of each enhancement.":
    "每次增强修图只保留最后一张图片。",
  "A preset, whose values replace the defaults; `initial` for none.":
    "预设，它的数值代替默认值；`initial` 表示不使用预设。",
  "Images are named `{save_name}-{number}` in the day's folder; existing images are never overwritten.":
    "图片在当天的文件夹里命名为 `{save_name}-{number}`；已有的图片不会被覆盖。",
  "The id of a task whose random state is restored, so that an input image gives the same pixels again.":
    "一个任务的 ID，恢复它的随机状态，使输入图像得到同样的像素。",
  "Return the images as base64, too.":
    "同时以 base64 返回图片。",
  "Respond with server-sent events. Takes precedence over `async_process`.":
    "以服务器发送事件（SSE）响应。优先于 `async_process`。",
  "Respond at once, with the pending record.":
    "立即响应，返回等待中的任务记录。",
  "Pending tasks with a higher priority run first, regardless of their origin. The WebUI's tasks have 0. With a key, a priority above 0 requires the scope `control`.":
    "优先级高的等待任务先运行，与来源无关。WebUI 的任务为 0。使用密钥时，大于 0 的优先级需要权限 `control`。",
  "An http(s) URL that receives the record when the task has ended; overrides `--webhook-url`.":
    "任务结束时接收任务记录的 http(s) URL；代替 `--webhook-url`。",
  "Ignored; accepted for FooocusAPI's clients. The given images determine the mode.":
    "忽略；为 FooocusAPI 的客户端保留。模式由给出的图像决定。",
  "True if the LoRA is applied.":
    "为 true 时使用这个 LoRA。",
  "A file in the LoRA folders; `None` for no LoRA.":
    "LoRA 文件夹里的文件；`None` 表示没有 LoRA。",
  "The strength of its effect.":
    "影响的强度。",
  "URL, base64, data URI, or the URL of an input or output of this server; `None` for no image.":
    "可以是 URL、base64、data URI，或本服务器的上传图像、结果图片的 URL；`None` 表示没有图像。",
  "The share of the steps during which it has an effect.":
    "起作用的步数所占的比例。",
  "The aspect of the image to use.":
    "使用图像的哪个方面。",
  "True if the enhancement is applied.":
    "为 true 时使用这一项。",
  "The object to detect; required by mask model `sam`.":
    "要识别的对象；识别模型为 `sam` 时必填。",
  "The prompt for the area; empty for `prompt`.":
    "这一区域的提示词；为空时使用 `prompt`。",
  "The negative prompt for the area; empty for `negative_prompt`.":
    "这一区域的反向提示词；为空时使用 `negative_prompt`。",
  "The model that detects the area.":
    "识别区域的模型。",
  "The clothes to detect, with mask model `u2net_cloth_seg`.":
    "要识别的衣物，用于识别模型 `u2net_cloth_seg`。",
  "The size of the model `sam`.":
    "模型 `sam` 的大小。",
  "Minimum confidence that an object matches the text; only `sam`.":
    "对象与文本相符的最低置信度；仅用于 `sam`。",
  "Minimum confidence of a detected box; only `sam`, from 0.05.":
    "识别框的最低置信度；仅用于 `sam`，从 0.05 起。",
  "Maximum number of detections, 0 for all; only `sam`.":
    "最多识别的数量，0 表示全部；仅用于 `sam`。",
  "Denoising strength.":
    "重绘强度。",
  "Apply to everything except the detected area.":
    "应用于识别区域以外的全部范围。",
  "Width*height in pixels. A size that is not listed sets `overwrite_width` and `overwrite_height`. `1024x1280`, `16:9` and the WebUI's own label are accepted.":
    "宽*高，单位是像素。未列出的尺寸会设置 `overwrite_width` 和 `overwrite_height`。也接受 `1024x1280`、`16:9` 和 WebUI 自己的写法。",
  "The sampler. Few-step performances use their own.":
    "采样器。步数很少的性能模式使用自己的采样器。",
};
