/// The other side of the wire: an HTTP, an HTTPS and an SMTP server whose paths and recipients select how they behave.
///
/// Its arguments are a certificate and its key; it prints the three ports on one line and ends when its standard input does.
let peerScript = #"""
    import json, os, socket, ssl, sys, threading, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from urllib.parse import urlparse

    lock = threading.Condition()
    connections, running, most_running = 0, 0, 0
    hits, mails, hanging, gone = {}, [], 0, 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        def log_message(self, *arguments): pass
        def setup(self):
            global connections
            super().setup()
            self.requests = 0
            with lock: connections += 1
        def answer(self, status, body=b"", headers=()):
            self.send_response(status)
            for name, value in headers: self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD": self.wfile.write(body)
        def serve(self):
            global running, most_running, hanging, gone
            self.requests += 1
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path, _, argument = self.path.lstrip("/").partition("/")
            with lock: hits[self.path] = hits.get(self.path, 0) + 1
            if path == "echo":
                seen = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()), "body": body.decode("latin-1")}
                self.answer(200, json.dumps(seen).encode(), [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Empty", "")])
            elif path == "status": self.answer(int(argument), b"as you like", [("Location", "/echo")])
            elif path == "early":
                self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n")
                self.answer(200, b"late", [("X-Late", "yes")])
            elif path == "big": self.answer(200, b"x" * int(argument))
            elif path == "endless":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                try:
                    while True: self.wfile.write(b"x" * 65536)
                except OSError: pass
                self.close_connection = True
            elif path == "headers":
                self.answer(200, b"", [("X-%d" % n, "x" * 1000) for n in range(int(argument))])
            elif path == "work":
                with lock:
                    running += 1
                    most_running = max(most_running, running)
                time.sleep(0.005)
                with lock: running -= 1
                self.answer(200, argument.encode())
            elif path == "hang":
                with lock:
                    hanging += 1
                    lock.notify_all()
                self.connection.recv(1)
                with lock:
                    gone += 1
                    lock.notify_all()
                self.close_connection = True
            elif path == "await":
                with lock:
                    done = lock.wait_for(lambda: (hanging if argument == "hanging" else gone) > 0, 20)
                self.answer(200 if done else 500)
            elif path == "close": self.close_connection = True
            elif path == "close-if-reused" and self.requests > 1: self.close_connection = True
            elif path == "garbage":
                self.wfile.write(b"this is not HTTP\r\n\r\n")
                self.close_connection = True
            elif path == "cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
                self.close_connection = True
            elif path == "report":
                with lock: report = {"connections": connections, "mostRunning": most_running, "hits": hits, "mails": mails}
                self.answer(200, json.dumps(report).encode())
            else: self.answer(200, b"ok")
        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve

    def serve_mail(connection):
        file = connection.makefile("rwb", buffering=0)
        def say(line): file.write(line.encode() + b"\r\n")
        mail = {"from": "", "to": [], "user": ""}
        say("220 peer")
        while line := file.readline():
            line = line.rstrip(b"\r\n").decode()
            verb = line[:4].upper()
            if verb == "EHLO":
                say("250-peer")
                say("250 AUTH PLAIN")
            elif verb == "AUTH":
                mail["user"] = line.split()[-1]
                if mail["user"] == "PLAIN":
                    say("334 ")
                    mail["user"] = file.readline().strip().decode()
                say("235 welcome")
            elif verb == "MAIL":
                mail["from"] = line[10:]
                say("250 ok")
            elif verb == "RCPT":
                if "nobody" in line: say("550 no such user")
                elif "full" in line: say("452 mailbox full")
                else:
                    mail["to"].append(line[8:])
                    say("250 ok")
            elif verb == "DATA":
                say("354 go on")
                data = b""
                while not data.endswith(b"\r\n.\r\n"): data += file.readline()
                complete = dict(mail, data=data.decode("latin-1"))
                mail = dict(mail, to=[])
                if "silent" in complete["to"][0]: continue
                if "spam" in complete["to"][0]:
                    say("554 this is spam")
                    continue
                with lock: mails.append(complete)
                say("250 accepted")
            elif verb == "QUIT":
                say("221 bye")
                break
            else: say("250 ok")
        connection.close()

    def accept_mail(listener):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve_mail, args=(connection,), daemon=True).start()

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True
        def handle_error(self, request, address): pass

    plain = Server(("127.0.0.1", 0), Handler)
    secure = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    mail = socket.create_server(("127.0.0.1", 0))
    # The same server by an address that does not pass for this machine.
    foreign = socket.create_server(("127.0.0.2", mail.getsockname()[1]))
    for target, arguments in ((plain.serve_forever, ()), (secure.serve_forever, ()), (accept_mail, (mail,)), (accept_mail, (foreign,))):
        threading.Thread(target=target, args=arguments, daemon=True).start()
    print(f"{plain.server_port} {secure.server_port} {mail.getsockname()[1]}", flush=True)
    sys.stdin.read()
    os._exit(0)
    """#
