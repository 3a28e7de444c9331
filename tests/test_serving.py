"""What the server listens on: responses in several pieces leave at once."""

import asyncio
import socket

from web.server import listening


def test_pieces_of_a_response_do_not_wait_for_each_other() -> None:
    """Nagle's algorithm would hold the second piece back until the client has acknowledged the first, 40 ms later."""
    told: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def once() -> None:
        with listening("127.0.0.1", 0) as bound:
            async with await asyncio.start_server(answer, sock=bound):
                reader, writer = await asyncio.open_connection(*bound.getsockname())
                await reader.read()
                writer.close()

    asyncio.run(once())
    assert told == [1]
