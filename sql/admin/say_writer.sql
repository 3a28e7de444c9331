-- A sign of life of the writer, or that it lets go.
INSERT INTO writers (token, state, host, process, command, url)
SELECT {token:String}, {state:String}, {host:String}, {process:UInt64}, {command:String}, {url:String}
