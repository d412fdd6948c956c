"""The portal's kit in its routes, typed with the portal's store."""

from typing import Annotated

from fastapi import Depends

from libs.kit import Kit
from libs.kit.http.dependencies import kit_of
from services.portal.store import Store

KitDep = Annotated[Kit[Store], Depends(kit_of)]
