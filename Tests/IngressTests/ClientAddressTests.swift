import Contracts
import HTTPTypes
import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct ClientAddressTests {
    private static let proxies = ["10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"].compactMap { Network($0) }

    private func client(_ peer: String, forwarded: String..., old: [String] = []) throws -> String? {
        var headers = HTTPFields()
        for value in forwarded { headers.append(HTTPField(name: try #require(HTTPField.Name("Forwarded")), value: value)) }
        for value in old { headers.append(HTTPField(name: try #require(HTTPField.Name("X-Forwarded-For")), value: value)) }
        return ClientAddress(trustedProxies: Self.proxies).of(peer: peer, headers)
    }

    @Test(arguments: [
        (["192.0.2.1"], "192.0.2.1"), (["198.51.100.7, 192.0.2.1"], "192.0.2.1"), (["198.51.100.7", "192.0.2.1, 10.1.2.3"], "192.0.2.1"),
        (["192.0.2.1, 10.0.0.9, 10.0.0.8"], "192.0.2.1"), (["10.0.0.9"], "10.0.0.9"), (["192.0.2.1:4711"], "192.0.2.1"), (["2001:DB8:0::7"], "2001:db8::7"),
        (["[2001:db8::7]:80"], "2001:db8::7"), (["::ffff:192.0.2.1"], "192.0.2.1"), (["nonsense"], "10.0.0.1"), (["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ([""], "10.0.0.1"), (["192.0.2.1,"], "10.0.0.1"), (["192.0.2.1, 2001:db8:1::5"], "192.0.2.1"), (["192.0.2.1:99999999"], "10.0.0.1"),
    ])
    func `behind trusted proxies the client is the rightmost address that is not one of them`(values: [String], expected: String) throws {
        #expect(try client("10.0.0.1", old: values) == expected)
    }

    @Test(arguments: [
        ("for=192.0.2.1", "192.0.2.1"), ("for=198.51.100.7, FOR=\"192.0.2.1:80\";proto=https", "192.0.2.1"), ("for=\"[2001:db8::7]:80\"", "2001:db8::7"),
        ("proto=https;for=192.0.2.1;by=10.0.0.2, for=10.0.0.3", "192.0.2.1"), ("for=192.0.2.1, for=_hidden", "10.0.0.1"), ("for=unknown", "10.0.0.1"),
        ("by=192.0.2.1", "10.0.0.1"), ("for=192.0.2.1;for=198.51.100.7", "10.0.0.1"), ("for=\"192.0.2.1", "10.0.0.1"), ("for=\"\"", "10.0.0.1"),
        ("for=\"a,for=192.0.2.9\"", "10.0.0.1"),
    ])
    func `the standard header is read as well`(value: String, expected: String) throws {
        #expect(try client("10.0.0.1", forwarded: value) == expected)
    }

    @Test func `only a trusted proxy is believed`() throws {
        #expect(try client("192.0.2.1", forwarded: "for=198.51.100.7") == "192.0.2.1")
        #expect(try client("192.0.2.1", old: ["198.51.100.7"]) == "192.0.2.1")
        #expect(try client("192.0.2.1", old: ["198.51.100.7, 10.0.0.1"]) == "192.0.2.1")
        #expect(try client("fe80::1%eth0", old: ["198.51.100.7"]) == "fe80::1")
    }

    @Test func `where the two headers differ, a client has forged one of them, and neither counts`() throws {
        #expect(try client("10.0.0.1", forwarded: "for=192.0.2.1", old: ["198.51.100.7"]) == "10.0.0.1")
        #expect(try client("10.0.0.1", forwarded: "for=192.0.2.1", old: ["192.0.2.1"]) == "192.0.2.1")
    }

    @Test func `the address behind the proxy is passed on`() async throws {
        let requests = FakeRequests()
        var configuration = TestIngress.configuration
        configuration.trustedProxies = Self.proxies
        try await TestIngress.with(requests, configuration) { port in
            _ = try await TestIngress.exchange(port, "POST /v1/sessions", headers: ["X-Forwarded-For: 198.51.100.7, 192.0.2.1"], body: "{}")
            _ = try await TestIngress.exchange(port, "POST /v1/sessions", body: "{}")
        }
        #expect(requests.sent.map { $0.request.parameters[Request.clientAddress] } == ["192.0.2.1", "127.0.0.1"])
    }

    @Test(arguments: [
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"), ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1.2.3.4", "1.2.3.4"), ("::FFFF:1.2.3.4", "1.2.3.4"), ("1::8", "1::8"),
    ])
    func `an address has one spelling`(text: String, spelled: String) {
        #expect(NetworkAddress(text)?.text == spelled)
    }

    @Test(arguments: [
        "", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "g::", "12345::", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "+1.2.3.4", "::1.2.3", "1.2.3.4::",
        "1:2:3:4:5:6:7:8::", "[::1]", "::1%lo", "٣.1.1.1", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:",
    ])
    func `an invalid address is rejected`(text: String) {
        #expect(NetworkAddress(text) == nil)
    }
}
