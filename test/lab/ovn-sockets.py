"""Geneve of an Open vSwitch without its kernel module, through the kernel's own UDP and so through WireGuard and the guard.

Open vSwitch in userspace sends tunnels by an Ethernet port of its own, which wg0 is not. This hands what comes out of that
port to a socket of the host's address, and what the socket receives back as a frame.
"""

import select
import socket
import struct
import sys

LINK, OWN, INSIDE = sys.argv[1:]
PORT = 6081
ROUTER = bytes.fromhex("0200000000fe")


def checksum(header: bytes) -> int:
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def framed(source: str, sport: int, payload: bytes) -> bytes:
    ends = socket.inet_aton(source) + socket.inet_aton(OWN)
    start = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(payload), 0, 0x4000, 64, 17, 0)
    ip = start[:10] + struct.pack("!H", checksum(start + ends)) + ends
    udp = struct.pack("!HHHH", sport, PORT, 8 + len(payload), 0)
    return bytes.fromhex(INSIDE.replace(":", "")) + ROUTER + b"\x08\x00" + ip + udp + payload


raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
raw.bind((LINK, 0))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
# As Open vSwitch has it: what is too large for the tunnel is dropped, not cut up.
udp.setsockopt(socket.IPPROTO_IP, 10, 2)
udp.bind((OWN, PORT))
while True:
    for ready in select.select([raw, udp], [], [])[0]:
        try:
            if ready is raw:
                frame = raw.recv(65536)
                if frame[14] == 0x45 and frame[23] == 17 and frame[36:38] == struct.pack("!H", PORT):
                    length = struct.unpack("!H", frame[38:40])[0]
                    udp.sendto(frame[42 : 34 + length], (socket.inet_ntoa(frame[30:34]), PORT))
            else:
                payload, (source, sport) = udp.recvfrom(65536)
                raw.send(framed(source, sport, payload))
        except OSError as error:
            print(error, flush=True)
