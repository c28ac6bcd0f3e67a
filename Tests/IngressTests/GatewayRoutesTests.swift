import FoundationEssentials
import Testing

@testable import Ingress

@Suite struct `Routes of the gateway` {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "gateway")

    @Test func `the gateway's generated files are what wharf topology generate writes`() throws {
        for file in GatewayRoutes(try TestIngress.document.get()).files {
            let written = try String(contentsOf: Self.folder.appending(path: file.name), encoding: .utf8)
            #expect(written == file.text, "Run .build/debug/wharf topology generate in the project's folder, and commit gateway/\(file.name).")
        }
    }

    @Test func `the gateway waits longer than the ingress needs for any operation`() throws {
        for endpoint in try TestIngress.document.get().endpoints where endpoint.streamOperation == nil {
            let wait = endpoint.waitOperation == nil ? 0 : WaitPreference.maximumSeconds
            let route = GatewayRoutes.route(of: endpoint)
            #expect(.seconds(route.seconds) > SessionResolver.deadline + endpoint.deadline + .seconds(wait), "\(endpoint.operationID)")
        }
    }

    @Test func `only reads are retried or cached, and only imports may be large`() throws {
        for endpoint in try TestIngress.document.get().endpoints {
            let kind = GatewayRoutes.route(of: endpoint).kind
            switch kind {
            case .read, .pages, .stream: #expect(endpoint.method == "GET" && !endpoint.isCacheable, "\(endpoint.operationID)")
            case .cached: #expect(endpoint.method == "GET" && endpoint.isCacheable, "\(endpoint.operationID)")
            case .write: #expect(["POST", "PATCH"].contains(endpoint.method), "\(endpoint.operationID)")
            case .change: #expect(["PUT", "DELETE"].contains(endpoint.method), "\(endpoint.operationID)")
            case .signed: #expect(endpoint.signature != nil, "\(endpoint.operationID)")
            case .upload: #expect(["catalog.imports.create", "deadletters.letters.import"].contains(endpoint.operationID))
            case .other: Issue.record("\(endpoint.operationID) has no route")
            }
        }
    }
}
