import TestKit
import Testing
import WebClient

extension Wire {
    @Suite struct HTTPTests {
        private let peer: Peer
        private let client = WebClient(logger: testLogger)

        init() async throws {
            peer = try await Peer()
        }

        @Test func `a GET returns status, headers and body`() async throws {
            let response = try await client.send(WebRequest(url: peer.http + "/echo/a%20path?q=1"))
            #expect(response.status == 200)
            #expect(response.first("content-length") == String(response.body.count))
            #expect(response.headers.filter { $0.name == "Set-Cookie" }.map(\.value) == ["a=1", "b=2"])
            #expect(response.first("X-Empty") == "")
            #expect(response.first("X-Absent") == nil)
            let echo = try decode(Peer.Echo.self, from: response)
            #expect(echo.method == "GET")
            #expect(echo.path == "/echo/a%20path?q=1")
            #expect(echo.headers["User-Agent"] == "wharf")
        }

        @Test(arguments: ["POST", "PUT", "PATCH", "DELETE", "GET"])
        func `method, headers and body arrive unchanged`(method: String) async throws {
            let body = (0...255).map { UInt8($0) }
            let request = WebRequest(
                method: method, url: peer.http + "/echo",
                headers: [
                    ("Content-Type", "application/octet-stream"), ("Idempotency-Key", "k 1"), ("X-Nothing", ""), ("User-Agent", "me"),
                ],
                body: body)
            let echo = try decode(Peer.Echo.self, from: await client.send(request))
            #expect(echo.method == method)
            #expect(echo.body.unicodeScalars.map { UInt8($0.value) } == body)
            #expect(echo.headers["Content-Type"] == "application/octet-stream")
            #expect(echo.headers["Idempotency-Key"] == "k 1")
            #expect(echo.headers["X-Nothing"] == "")
            #expect(echo.headers["User-Agent"] == "me")
        }

        @Test func `nothing is added to a POST without headers or body`() async throws {
            let echo = try decode(Peer.Echo.self, from: await client.send(WebRequest(method: "POST", url: peer.http + "/echo")))
            #expect(Set(echo.headers.keys) == ["Host", "User-Agent", "Accept", "Content-Length"])
            #expect(echo.headers["Content-Length"] == "0")
        }

        @Test func `a large body is sent without waiting for permission`() async throws {
            let body = [UInt8](repeating: 0x78, count: 3 << 20)
            let echo = try decode(Peer.Echo.self, from: await client.send(WebRequest(method: "POST", url: peer.http + "/echo", body: body)))
            #expect(echo.body.utf8.count == body.count)
            #expect(echo.headers["Expect"] == nil)
        }

        @Test func `a HEAD has no body`() async throws {
            let response = try await client.send(WebRequest(method: "HEAD", url: peer.http + "/big/500"))
            #expect(response.first("Content-Length") == "500")
            #expect(response.body.isEmpty)
        }

        @Test(arguments: [302, 404, 500, 503])
        func `any status is a response, and a redirect is not followed`(status: Int) async throws {
            let response = try await client.send(WebRequest(url: peer.http + "/status/\(status)"))
            #expect(response.status == status)
            #expect(!response.isSuccess)
            #expect(response.body == Array("as you like".utf8))
            #expect(try await peer.report().hits["/echo"] == nil)
        }

        @Test func `headers of an interim response are left out`() async throws {
            let response = try await client.send(WebRequest(url: peer.http + "/early"))
            #expect(response.status == 200)
            #expect(response.first("X-Early") == nil)
            #expect(response.first("X-Late") == "yes")
        }

        @Test func `consecutive requests use one connection`() async throws {
            for _ in 0..<20 { _ = try await client.send(WebRequest(url: peer.http + "/ok")) }
            // The second is the report's own.
            #expect(try await peer.report().connections == 2)
        }

        @Test func `two hundred requests at once are all answered, and no more than the limit run together`() async throws {
            let client = WebClient(maximumConcurrent: 20, maximumPerHost: 10, logger: testLogger)
            let url = peer.http + "/work/"
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<200 {
                    group.addTask { String(decoding: try await client.send(WebRequest(url: url + String(index))).body, as: UTF8.self) }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers == Set((0..<200).map(String.init)))
            let report = try await peer.report()
            #expect((2...10).contains(report.mostRunning))
            #expect(report.connections <= 11)
        }

        @Test func `an untrusted certificate is refused before anything is sent`() async throws {
            let error = await #expect(throws: WebClientError.self) { try await client.send(WebRequest(url: peer.https + "/ok")) }
            #expect(error?.code == .tls)
            #expect(error?.requestMayHaveBeenSent == false)
            #expect(error?.isTransient == false)
            #expect(try await peer.report().hits["/ok"] == nil)
        }

        @Test func `a certificate is refused for a host it does not name`() async throws {
            let client = WebClient(certificateAuthorityFile: try await TLSIdentity.shared.value.certificate, logger: testLogger)
            let url = peer.https.replacing("localhost", with: "127.0.0.1")
            let error = await #expect(throws: WebClientError.self) { try await client.send(WebRequest(url: url + "/ok")) }
            #expect(error?.code == .tls)
        }

        @Test func `HTTPS works with the given authority`() async throws {
            let client = WebClient(certificateAuthorityFile: try await TLSIdentity.shared.value.certificate, logger: testLogger)
            let response = try await client.send(WebRequest(method: "POST", url: peer.https + "/echo", body: [0x61]))
            #expect(try decode(Peer.Echo.self, from: response).body == "a")
        }
    }
}
