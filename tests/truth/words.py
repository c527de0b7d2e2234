"""What may stand in an error's body, at any of the four."""

from typing import Any

#: Error bodies of every documented shape: the body, what it says, its code.
WORDS: dict[str, tuple[object, str, str | None]] = {
    "error": ({"error": {"code": "1", "message": "Too late", "exception": None}}, "Too late", "1"),
    "error with a number": ({"error": {"code": 12, "message": "Too late"}}, "Too late", "12"),
    "problem details": (
        {"type": "about:blank", "title": "Conflict", "status": 409, "detail": "Already invoiced"},
        "Already invoiced",
        None,
    ),
    "a title alone": ({"title": "Conflict", "status": 409}, "Conflict", None),
    "message": ({"message": "Too late", "errorCode": "5011"}, "Too late", "5011"),
    "errors": ({"errors": ["one", "two"]}, "one; two", None),
    "errors with messages": ({"errors": [{"message": "one"}]}, "one", None),
    "errors by field": ({"errors": {"reason": ["Too late"]}}, "reason: Too late", None),
    "a detail by place": ({"detail": [{"loc": ["body"], "msg": "Too late"}]}, "body: Too late", None),
    "a message in capitals": ({"Message": "Too late"}, "Too late", None),
    "a bare list": (["Too late"], "Too late", None),
    "a framework's fields": (
        {"order_uuid": ["Must be a valid UUID."]},
        "order_uuid: Must be a valid UUID.",
        None,
    ),
}

#: Bodies of a 404 that say that there is no such order.
NO_ORDER: list[Any] = [
    {"error": {"code": "OMS003", "message": "Order not found", "exception": None}},
    {"message": "Order not found"},
    {"errors": ["Order not found"]},
    {"detail": "Order not found"},
]

#: Bodies of a 404 from a gateway, a framework, or an address that is wrong.
NO_ADDRESS: list[Any] = [
    b"<html>404</html>", b"", {}, [], "Not Found", None, {"message": ""}, {"error": {"message": " "}}, {"errors": []},
    {"detail": None}, {"error": "Not Found"}, {"timestamp": 1, "status": 404, "error": "Not Found", "path": "/x"},
    {"title": "Not Found"}, {"error": ["x"]}, {"Message": "No HTTP resource was found"},
]  # fmt: skip
