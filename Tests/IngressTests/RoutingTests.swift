import Messaging
import Testing
import Traces

@testable import Ingress

@Suite struct RoutingTests {
    private static func match(_ method: String, _ path: String) throws -> RoutingTable.Match {
        let target = try RequestTarget(path: path, query: nil)
        return try TestIngress.document.get().routes.match(method: method, segments: target.segments)
    }

    @Test func `templates return their values by name`() throws {
        guard case .endpoint(let endpoint, let parameters) = try Self.match("PUT", "/v1/carts/1%2F2/items/A%20B") else {
            Issue.record("not found")
            return
        }
        #expect(endpoint.operationID == "carts.items.put")
        #expect(parameters == ["id": "1/2", "sku": "A B"])
    }

    @Test func `a literal is preferred, and abandoned where the path continues as the template's`() throws {
        guard case .endpoint(let current, let none) = try Self.match("GET", "/v1/carts/current"),
            case .endpoint(let items, let some) = try Self.match("PUT", "/v1/carts/current/items/a")
        else {
            Issue.record("not found")
            return
        }
        #expect(current.operationID == "carts.carts.current" && none.isEmpty)
        #expect(items.operationID == "carts.items.put" && some["id"] == "current")
    }

    @Test func `a literal path does not borrow the methods of the template's`() throws {
        #expect(try Self.match("DELETE", "/v1/carts/current") == .otherMethod(allowed: ["GET", "HEAD", "OPTIONS"]))
        #expect(try Self.match("POST", "/v1/users/me/password") == .otherMethod(allowed: ["OPTIONS", "PUT"]))
        #expect(try Self.match("GET", "/v1/password-resets") == .otherMethod(allowed: ["OPTIONS", "POST"]))
    }

    @Test(arguments: ["/", "/v1", "/v1/", "/v1/products/", "/v1//products", "/v1/Products", "/v1/carts/1/items", "/v2/products"])
    func `an unrouted path is unknown`(path: String) throws {
        #expect(try Self.match("GET", path) == .unknown)
    }

    @Test func `HEAD is routed as GET`() throws {
        #expect(try Self.match("HEAD", "/v1/products") == Self.match("GET", "/v1/products"))
    }

    @Test func `a query is decoded, plus signs being spaces`() throws {
        let target = try RequestTarget(path: "/a+b", query: "x=1+2%2B&&%C3%A9&y==")
        #expect(target.segments == ["a+b"])
        #expect(target.query == ["x": "1 2+", "é": "", "y": "="])
    }

    @Test(arguments: ["a=%", "a=%1", "a=%G0", "a=%C3", "%00=a", "a=1&a=2", "a=1&%61=2"])
    func `an ambiguous query is rejected`(query: String) {
        #expect(throws: Refusal.self) { try RequestTarget(path: "/", query: query) }
    }

    @Test func `a path with too many segments is unknown`() {
        let path = String(repeating: "/a", count: RequestTarget.maximumSegments + 1)
        #expect(throws: Refusal.unknownPath) { try RequestTarget(path: path, query: nil) }
    }

    @Test(arguments: [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    ])
    func `a valid trace is continued`(header: String) {
        let trace = TraceContext(continuing: header, randomness: SystemChance())
        #expect(trace.traceID == "0af7651916cd43dd8448eb211c80319c")
        #expect(trace.spanID != "b7ad6b7169203331" && trace.spanID.count == 16)
    }

    @Test(arguments: [
        "", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    ])
    func `a malformed trace is replaced`(header: String) {
        #expect(TraceContext(continuing: header, randomness: SystemChance()).traceID != "0af7651916cd43dd8448eb211c80319c")
    }
}
