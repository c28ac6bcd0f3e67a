import Testing
import WebClient

extension Wire {
    @Suite struct HTTPFailureTests {
        private let peer: Peer
        private let client = WebClient(logger: testLogger)

        init() async throws {
            peer = try await Peer()
        }

        private func failure(of request: WebRequest) async -> WebClientError? {
            await #expect(throws: WebClientError.self) { try await client.send(request) }
        }

        @Test func `where nothing listens, nothing was sent`() async throws {
            // Port 1 is reserved, and nothing listens there.
            let error = await failure(of: WebRequest(method: "POST", url: "http://127.0.0.1:1/", body: [1]))
            #expect(error?.code == .couldNotConnect)
            #expect(error?.requestMayHaveBeenSent == false)
            #expect(error?.isTransient == true)
        }

        @Test func `a host that does not exist is an error before anything was sent`() async throws {
            let error = await failure(of: WebRequest(url: "http://nowhere.invalid/", timeout: .seconds(20)))
            #expect(error?.code == .couldNotConnect || error?.code == .timedOut)
            #expect(error?.requestMayHaveBeenSent == false)
        }

        @Test func `a server that does not answer costs the timeout and no more`() async throws {
            let elapsed = await ContinuousClock().measure {
                let error = await failure(of: WebRequest(method: "POST", url: peer.http + "/hang", body: [1], timeout: .seconds(1)))
                #expect(error?.code == .timedOut)
                #expect(error?.requestMayHaveBeenSent == true)
                #expect(error?.isTransient == true)
            }
            #expect((.milliseconds(990)...(.seconds(10))).contains(elapsed))
        }

        @Test(arguments: ["GET", "POST"])
        func `a server that reads the request and hangs up leaves the outcome unknown`(method: String) async throws {
            let error = await failure(of: WebRequest(method: method, url: peer.http + "/close", body: [1, 2, 3]))
            #expect(error?.code == .connectionLost)
            #expect(error?.requestMayHaveBeenSent == true)
            #expect(try await peer.report().hits["/close"] == 1)
        }

        @Test func `a POST is not sent again when a kept-alive connection dies under it`() async throws {
            for body in [[], [1, 2, 3]] as [[UInt8]] {
                _ = try await client.send(WebRequest(url: peer.http + "/ok"))
                let error = await failure(of: WebRequest(method: "POST", url: peer.http + "/close-if-reused/\(body.count)", body: body))
                #expect(error?.code == .connectionLost)
                #expect(error?.requestMayHaveBeenSent == true)
                #expect(try await peer.report().hits["/close-if-reused/\(body.count)"] == 1)
            }
        }

        @Test func `a GET is sent again when a kept-alive connection dies under it`() async throws {
            _ = try await client.send(WebRequest(url: peer.http + "/ok"))
            #expect(try await client.send(WebRequest(url: peer.http + "/close-if-reused")).status == 200)
            #expect(try await peer.report().hits["/close-if-reused"] == 2)
        }

        @Test func `a body that ends early is an error`() async throws {
            let error = await failure(of: WebRequest(url: peer.http + "/cut"))
            #expect(error?.code == .connectionLost)
            #expect(error?.requestMayHaveBeenSent == true)
        }

        @Test func `an answer that is not HTTP is an error`() async throws {
            #expect(await failure(of: WebRequest(url: peer.http + "/garbage"))?.code == .badResponse)
        }

        @Test(arguments: ["/big/1001", "/endless"])
        func `a body past the bound is an error`(path: String) async throws {
            let error = await failure(of: WebRequest(url: peer.http + path, maximumResponseBytes: 1000))
            #expect(error?.code == .tooLarge)
            #expect(error?.requestMayHaveBeenSent == true)
        }

        @Test func `a body exactly at the bound is not an error`() async throws {
            let response = try await client.send(WebRequest(url: peer.http + "/big/1000", maximumResponseBytes: 1000))
            #expect(response.body.count == 1000)
        }

        @Test func `headers past the bound are an error`() async throws {
            #expect(await failure(of: WebRequest(url: peer.http + "/headers/300"))?.code == .tooLarge)
        }
    }
}
