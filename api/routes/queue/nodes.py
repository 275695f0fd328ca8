"""`/v1/nodes`: the processes that share the queue."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from ....auth.keys import Scope
from ....tasks.overview.nodes import NodeState, NodeView
from ...context import ApiContext
from ...requests.parameter_names import NamingRoute
from ...responses.problems import responses
from ...responses.public_urls import PublicUrls
from ...security.authorization import access_of, require_scope


class NodeTask(BaseModel):
    """A task that a node runs."""

    task_id: str = Field(description="32 hexadecimal digits.")
    source: str = Field(description="The origin of the task, as in the record.")
    progress: int = Field(description="0 to 100; as of the node's last heartbeat, unless a client follows the task.")


class NodeModel(BaseModel):
    """A process that shares the queue."""

    name: str = Field(description="Its name: that of `--node-name`.")
    role: str = Field(description="`node`: a Fooocus that generates; `gateway`: it only serves the API.")
    state: NodeState = Field(
        description="`starting` (no models are loaded yet), `idle`, `busy`, `full` (its disk has no room for images), `draining` "
        "(it ends after its task), `stopped`, or `lost`: without a heartbeat for `--node-timeout` seconds."
    )
    this: bool = Field(description="True for the process that has answered.")
    caretaker: bool = Field(description="True for the one that does what one process does alone, such as webhooks.")
    card: str | None = Field(description="The name of its graphics card, if known.")
    loaded: list[str] = Field(
        description="The checkpoints in its memory; empty until a task has used one, and without `read-all`."
    )
    version: str = Field(description="The version of its extension.")
    started_mills: int = Field(description="The time of its start, in milliseconds since 1970.")
    heartbeat_seconds: float = Field(description="Seconds since its last heartbeat; 0 without a cluster.")
    url: str | None = Field(description="Its own address, if known.")
    running: list[NodeTask] = Field(description="The tasks that it runs and that the key may see.")


class NodesResponse(BaseModel):
    """The processes that share the queue."""

    cluster: bool = Field(description="True with `--cluster`; otherwise this process is the only one.")
    nodes: list[NodeModel] = Field(description="The processes by their names, also those that have ended within a day.")


router = APIRouter(tags=["queue"], route_class=NamingRoute)


@router.get(
    "/v1/nodes",
    summary="The processes that share the queue",
    dependencies=[require_scope(Scope.READ)],
    responses=responses(401, 503),
)
def nodes(context: ApiContext, request: Request) -> NodesResponse:
    """Return each process of the cluster: its state, its models, its card and what it runs. Without `--cluster`, this process
    alone."""
    services, urls = context.services, context.urls(request)
    found = services.nodes.view(access_of(request).only)
    is_cluster = services.nodes.is_cluster
    return NodesResponse(cluster=is_cluster, nodes=[_model(view, urls, is_alone=not is_cluster) for view in found])


def _model(view: NodeView, urls: PublicUrls, *, is_alone: bool) -> NodeModel:
    node = view.node
    return NodeModel(
        name=node.name,
        role=node.role,
        state=node.state,
        this=node.is_own,
        caretaker=node.is_caretaker,
        card=node.card or None,
        loaded=list(node.loaded),
        version=node.version,
        started_mills=node.started_at,
        heartbeat_seconds=round(node.seen_s, 1),
        url=(urls.base if is_alone else node.url) or None,
        running=[
            NodeTask(task_id=task.task_id, source=task.source, progress=percent) for task, percent in view.running
        ],
    )
