"""What a visitor's session holds, as dewar_benches::SESSION says, and the key that signs it."""

SESSION = {
    "cart": ["a1b2", "c3d4"],
    "csrf": "9f86d081884c7d",
    "theme": "dark",
    "user": "ada",
    "user_id": 10,
    "visits": 1,
}
KEY = "9cK3wPq0fUq7Zt2LmXbR5yA1hV8sE4jN6dG"
