import FoundationEssentials
import Secrets
import WebClient

/// RabbitMQ's management API, on whichever node of the cluster answers.
package struct ManagementNodes: Sendable {
    /// The time within which a node must show that it is alive, if there are other nodes. A node answers this check without the rest of the cluster.
    static let longestSilence: Duration = .seconds(3)

    private let url: @Sendable () -> String
    private let transport: any HTTPTransport

    /// - Parameter url: with a user and a password, and one host or several. It is read again for each request.
    /// - Throws: ``CredentialsError``.
    package init(_ url: @autoclosure @escaping @Sendable () -> String, transport: any HTTPTransport) throws {
        _ = try Credentials.split(url())
        self.url = url
        self.transport = transport
    }

    /// Asks the first node that answers, in the order of the URL. Every status is an answer.
    /// - Parameter path: begins with `/api/`.
    /// - Throws: `WebClientError`: the last node's, when none answers.
    package func send(_ method: String, _ path: String, body: [UInt8] = [], timeout: Duration) async throws -> WebResponse {
        let (address, user) = try Credentials.split(url())
        let bases = NodeURLs.split(address.withoutTrailingSlash)
        for base in bases.dropLast() where await isThere(base, user) {
            return try await transport.send(request(method, base + path, user, body, timeout))
        }
        return try await transport.send(request(method, (bases.last ?? "") + path, user, body, timeout))
    }

    /// Returns the body of the response to a GET.
    /// - Throws: ``ManagementRefusal`` for an answer that is not a success; `WebClientError`.
    package func read(_ path: String, timeout: Duration) async throws -> [UInt8] {
        let response = try await send("GET", path, timeout: timeout)
        guard response.isSuccess else { throw ManagementRefusal(status: response.status) }
        return response.body
    }

    private func isThere(_ base: String, _ user: Credentials) async -> Bool {
        (try? await transport.send(request("GET", base + "/api/whoami", user, [], Self.longestSilence))) != nil
    }

    private func request(_ method: String, _ url: String, _ user: Credentials, _ body: [UInt8], _ timeout: Duration) -> WebRequest {
        var headers = [(name: "Authorization", value: "Basic " + Base64.encode(Array("\(user.user):\(user.password)".utf8)))]
        if !body.isEmpty { headers.append((name: "Content-Type", value: "application/json")) }
        return WebRequest(method: method, url: url, headers: headers, body: body, timeout: timeout)
    }
}

/// The management API answered with an error.
package struct ManagementRefusal: Error, CustomStringConvertible {
    package let status: Int
    package var description: String { "RabbitMQ's management API answered with status \(status)." }
}
