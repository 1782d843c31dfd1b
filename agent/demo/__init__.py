"""`fengsui demo`: a small casting plant, a broker, the agent and a receiver, each a process of its own."""
