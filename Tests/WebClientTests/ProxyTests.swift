import Glibc
import TestKit
import Testing
import WebClient

extension Peer {
    /// A proxy that does not exist: a client that uses it gets no answer. In force for all tests against a peer.
    static let deadProxy = "127.0.0.1:1"
    static let proxied: Void = {
        for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] { _ = unsafe setenv(name, "http://\(deadProxy)", 1) }
    }()
}

extension Wire {
    /// Reserved names (RFC 2606): not found when asked for directly, not looked up when a proxy is asked.
    @Suite struct ProxyTests {
        init() async throws {
            _ = Peer.proxied
        }

        private func failure(_ client: WebClient, _ url: String) async -> WebClientError? {
            await #expect(throws: WebClientError.self) { try await client.send(WebRequest(url: url, headers: [("authorization", "Bearer key")])) }
        }

        private let onTheInternet = WebClient(usesEnvironmentProxy: true, logger: testLogger)

        @Test func `HTTPS of a client made for the Internet uses the environment's proxy`() async {
            let error = await failure(onTheInternet, "https://gateway.invalid/")
            #expect(error?.message.contains("127.0.0.1 port 1") == true, "\(error?.message ?? "")")
        }

        @Test(arguments: ["http://gateway.invalid/", "https://gateway.invalid/"])
        func `no other client uses a proxy`(url: String) async {
            let error = await failure(WebClient(logger: testLogger), url)
            #expect(error?.message.contains("resolve host") == true, "\(error?.message ?? "")")
        }

        @Test func `HTTP, which a proxy could read, uses none`() async {
            let error = await failure(onTheInternet, "http://gateway.invalid/")
            #expect(error?.message.contains("resolve host") == true, "\(error?.message ?? "")")
        }

        @Test func `this machine is reached directly`() async throws {
            let peer = try await Peer()
            for url in [peer.http, peer.http.replacing("127.0.0.1", with: "localhost")] {
                let response = try await onTheInternet.send(WebRequest(url: url + "/ok"))
                #expect(response.status == 200)
            }
            let trusting = WebClient(
                certificateAuthorityFile: try await TLSIdentity.shared.value.certificate, usesEnvironmentProxy: true, logger: testLogger)
            let response = try await trusting.send(WebRequest(url: peer.https + "/ok"))
            #expect(response.status == 200)
        }

        @Test func `mail uses no proxy`() async throws {
            let peer = try await Peer()
            try await onTheInternet.sendMail(peer.mail(to: ["ann@example.com"]))
        }
    }
}
