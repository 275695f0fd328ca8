"""The workload of a task: the facts about its request that the domain uses, its model files and LoRA tags."""
