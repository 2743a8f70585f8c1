"""What a person's MFA device shows: RFC 6238 with nothing but the standard library."""

import base64
import hashlib
import hmac
import struct
import time


class Device:
    """A device with its seed, whose clock goes with the server's."""

    def __init__(self, serial, seed):
        self.serial, self.key = serial, base64.b32decode(seed)

    @staticmethod
    def of(answer):
        """From what CreateVirtualMFADevice answers."""
        device = answer["VirtualMFADevice"]
        return Device(device["SerialNumber"], device["Base32StringSeed"])

    def step(self):
        """The number of the present step, of which there are two seconds left at least."""
        while (left := 30 - time.time() % 30) < 2:
            time.sleep(left)
        return int(time.time()) // 30

    def code(self, step):
        """The code of a step."""
        mac = hmac.digest(self.key, struct.pack(">q", step), hashlib.sha1)
        offset = mac[-1] & 15
        number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
        return f"{number % 1_000_000:06}"

    def pair(self, steps_ahead=0):
        """Two consecutive codes as members of a request, the second one that of the present step."""
        last = self.step() + steps_ahead
        return {
            "SerialNumber": self.serial,
            "AuthenticationCode1": self.code(last - 1),
            "AuthenticationCode2": self.code(last),
        }

    def shown(self, steps_ahead=0):
        """The present code as members of an STS request."""
        return {"SerialNumber": self.serial, "TokenCode": self.code(self.step() + steps_ahead)}
