def init() -> None:
    pass


def run(data: str) -> str:
    return data
