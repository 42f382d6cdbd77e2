"""THE DOOR FOR AGENTS: what broke, since when, by which commit, and what the log says, over the Model Context Protocol.

Tools, resources and a prompt are thin functions over the API's operations. Each answer is at most 32 KB, and all that
whoever pushed has written lies in it as data: labelled, and without what nobody sees. Only `server` knows the SDK.
"""
