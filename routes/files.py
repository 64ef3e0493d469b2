"""/v1/files: recordings and batch files stored for a caller."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exceptions import InvalidRequestError
from routes.http.access import owner_of
from routes.http.body_schema import multipart_body
from routes.http.errors import invalid_parameter
from routes.http.file_response import OpenFileResponse
from routes.http.middleware import request_id_of
from routes.http.pages import Page, page_of
from routes.http.uploads import Fields, UploadReader
from routes.state import state_of
from utils.store.records import StoredFile

router = APIRouter(prefix="/v1/files", tags=["files"])

MAX_PAGE = 10_000


class ExpiresAfter(BaseModel):
    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3600, le=2_592_000)]


class FileForm(BaseModel):
    """The fields of an upload besides `file`."""

    purpose: Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
    expires_after: ExpiresAfter | None = None


class FileObject(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None = None
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"


class FileDeleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


FORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "purpose": FileForm.model_json_schema()["properties"]["purpose"],
        "expires_after[anchor]": ExpiresAfter.model_json_schema()["properties"]["anchor"],
        "expires_after[seconds]": ExpiresAfter.model_json_schema()["properties"]["seconds"],
    },
}


@router.post(
    "",
    openapi_extra=multipart_body(FORM_SCHEMA),
    response_model_exclude_none=True,
)
async def create_file(request: Request) -> FileObject:
    """Store a file. The upload counts as a request in flight."""
    state = state_of(request)
    with state.admission.admit(request_id_of(request), owner_of(request)) as admitted:
        await state.durable.files.check_room()
        async with state.temp.workspace() as workspace:
            reader = UploadReader(
                workspace,
                state.temp.room,
                state.max_upload_bytes,
                state.upload_idle_seconds,
                _parse,
                "purpose",
            )
            upload, form = await reader.read(request, admitted.rate)
            if upload.file is None:
                raise InvalidRequestError("The part 'file' is missing.", param="file")
            lifetime = form.expires_after.seconds if form.expires_after else None
            filename = "".join(char for char in upload.filename if char.isprintable()) or "upload"
            file = await state.durable.files.create(
                owner_of(request), upload.file, filename, form.purpose, lifetime
            )
    return _wire(file)


@router.get("", response_model_exclude_none=True)
async def list_files(
    request: Request,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = MAX_PAGE,
    order: Literal["asc", "desc"] = "desc",
    purpose: str | None = None,
) -> Page[FileObject]:
    files = state_of(request).durable.files
    found = await files.page(owner_of(request), purpose, after, order == "desc", limit + 1)
    return page_of([_wire(file) for file in found], limit)


@router.get("/{file_id}", response_model_exclude_none=True)
async def retrieve_file(request: Request, file_id: str) -> FileObject:
    return _wire(await state_of(request).durable.files.find(owner_of(request), file_id))


@router.delete("/{file_id}")
async def delete_file(request: Request, file_id: str) -> FileDeleted:
    await state_of(request).durable.files.delete(owner_of(request), file_id)
    return FileDeleted(id=file_id)


@router.get("/{file_id}/content", response_class=FileResponse)
async def file_content(request: Request, file_id: str) -> OpenFileResponse:
    file, body = await state_of(request).durable.files.open_body(owner_of(request), file_id)
    # An attachment, so that uploaded HTML never runs on this origin.
    return OpenFileResponse(body, media_type="application/octet-stream", filename=file.filename)


def _parse(fields: Fields) -> FileForm:
    """Raises InvalidRequestError."""
    values: dict[str, Any] = {name: value for name, value in fields if "[" not in name}
    expiry = {name[14:-1]: value for name, value in fields if name.startswith("expires_after[")}
    if expiry:
        values["expires_after"] = expiry
    try:
        return FileForm.model_validate(values)
    except ValidationError as error:
        raise invalid_parameter(error) from error


def _wire(file: StoredFile) -> FileObject:
    return FileObject.model_validate(file)
