"""The floor of handing in: a bare FastAPI route with one durable insert, and nothing else."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from pymongo import AsyncMongoClient, WriteConcern

DATABASE = "bare"
durable = WriteConcern("majority", j=True)


@asynccontextmanager
async def life(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncMongoClient[dict[str, Any]](
        os.environ["BARE_MONGO_URL"], uuidRepresentation="standard"
    ) as client:
        app.state.complaints = client[DATABASE].get_collection("complaints", write_concern=durable)
        yield


app = FastAPI(lifespan=life)


@app.post("/v1/complaints", status_code=201)
async def register(body: dict[str, Any]) -> dict[str, str]:
    id = uuid4()
    await app.state.complaints.insert_one({"_id": id, "body": body})
    return {"id": str(id)}


if __name__ == "__main__":
    port = int(os.environ["BARE_PORT"])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False)
