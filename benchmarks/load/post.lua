-- One megabyte in the body of each request.
wrk.method = 'POST'
wrk.body = string.rep('x', 1024 * 1024)
wrk.headers['Content-Type'] = 'application/octet-stream'
