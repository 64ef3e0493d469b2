"""GET /docs: Swagger UI for the OpenAPI document, served without other hosts."""

from __future__ import annotations

from importlib.metadata import distribution
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(prefix="/docs", include_in_schema=False)

PACKAGE = "fastapi-swagger"  # carries Swagger UI's files; its code is not used

Asset = Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"]


@router.get("")
async def docs(request: Request) -> HTMLResponse:
    root_path = request.scope["root_path"]
    return get_swagger_ui_html(
        openapi_url=f"{root_path}{request.app.openapi_url}",
        title=request.app.title,
        swagger_js_url=f"{root_path}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{root_path}/docs/swagger-ui.css",
        swagger_favicon_url=f"{root_path}/docs/favicon-32x32.png",
        swagger_ui_parameters={"validatorUrl": None},  # else the page sends the document's address elsewhere
    )


@router.get("/{asset}")
async def docs_asset(asset: Asset) -> FileResponse:
    return FileResponse(str(distribution(PACKAGE).locate_file(f"fastapi_swagger/resources/{asset}")))
