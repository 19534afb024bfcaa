std = "luajit"
cache = false
globals = { "vim" }
max_line_length = false
ignore = { "212/_.*" }
