import Foundation
import Messaging
import Testing
import YAML

@testable import Ingress

/// The pages at /docs.
@Suite(.timeLimit(.minutes(1))) struct ReferenceTests {
    private static func pages() throws -> [String: String] {
        try TestIngress.document.get().reference().mapValues { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `every operation has a page that shows how to call it in four languages`() throws {
        let pages = try Self.pages()
        for endpoint in try TestIngress.document.get().endpoints {
            let page = try #require(pages["/docs/\(endpoint.operationID)"])
            #expect(page.contains("<code>\(endpoint.path.replacing("/", with: "<wbr>/"))</code>"), "\(endpoint.operationID)")
            for language in ["curl", "Swift", "Python", "JavaScript"] { #expect(page.contains("data-language=\"\(language)\""), "\(endpoint.operationID)") }
            #expect(page.contains("class=\"try\"") == (endpoint.signature == nil), "\(endpoint.operationID)")
        }
    }

    @Test func `every link leads to a page that is served, and to a place on it`() throws {
        let pages = try Self.pages()
        let others: Set<String> = ["/openapi.yaml", "/openapi.json", Reference.style, Reference.script, "data:,"]
        let places = pages.mapValues { page in Set(page.matches(of: #/ id="([^"]*)"/#).map { String($0.1) }) }
        for (path, page) in pages {
            #expect(page.matches(of: #/ id="([^"]*)"/#).count == places[path]?.count, "\(path) has an id twice")
            for match in page.matches(of: /(?:href|src)="([^"]*)"/) {
                let parts = match.1.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                let target = parts.first.map { $0.isEmpty ? path : $0 } ?? path
                guard !others.contains(target) else { continue }
                let anchors = try #require(places[target], "\(path) links to \(match.1)")
                if let anchor = parts.dropFirst().first { #expect(anchors.contains(anchor), "\(path) links to \(match.1)") }
            }
        }
    }

    @Test func `pages need no inline script or style, and allow none`() async throws {
        for (path, page) in try Self.pages() {
            for inline in ["<script>", "<style", " style=", " onclick=", "javascript:"] { #expect(!page.contains(inline), "\(path): \(inline)") }
        }
        try await TestIngress.with { port in
            let page = try await TestIngress.exchange(port, "GET /docs/carts.checkouts.create")
            #expect(page.status == 200)
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            let policy = try #require(page.headers["content-security-policy"])
            #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
            for (asset, type) in [(Reference.style, "text/css; charset=utf-8"), (Reference.script, "text/javascript; charset=utf-8")] {
                let response = try await TestIngress.exchange(port, "GET \(asset)")
                #expect(response.status == 200 && response.headers["content-type"] == type)
                let tag = try #require(response.headers["etag"])
                #expect(try await TestIngress.exchange(port, "GET \(asset)", headers: ["If-None-Match: \(tag)"]).status == 304)
            }
            #expect(try await TestIngress.exchange(port, "GET /docs/nothing").status == 404)
        }
    }

    @Test func `statuses that any operation may return are explained once, and an operation's own problem types on its page`() throws {
        let pages = try Self.pages()
        let checkout = try #require(pages["/docs/carts.checkouts.create"])
        for type in ["cart-ordered", "total-differs", "product-unavailable"] { #expect(checkout.contains("<code>\(type)</code>")) }
        #expect(!checkout.contains("The body did not arrive in time."))
        let errors = try #require(pages[Reference.errors])
        #expect(errors.matches(of: /<dd>The body did not arrive in time\.<\/dd>/).count == 2)
    }

    @Test func `nested objects of a schema are shown in place, and a circle ends`() throws {
        let pages = try Self.pages()
        let checkout = try #require(pages["/docs/carts.checkouts.create"])
        for field in ["postalCode", "gateway", "paymentMethod", "clientSecret", "lineTotal"] { #expect(checkout.contains("<code>\(field)</code>"), "\(field)") }
        // A category has children, which are categories.
        #expect(pages["/docs/catalog.categories.list"]?.contains("As above.") == true)
    }

    @Test func `the problem types of the document are those of the code`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")
        var code: Set<String> = []
        for folder in ["Contracts", "Ingress", "Messaging", "Services"] {
            let paths = FileManager.default.enumerator(atPath: root.appending(path: folder).path())?.compactMap { $0 as? String } ?? []
            for path in paths where path.hasSuffix(".swift") {
                let text = try String(contentsOf: root.appending(path: "\(folder)/\(path)"), encoding: .utf8)
                for match in text.matches(of: /(?:Problem|conflict)\(\s*"([a-z-]+)"/) { code.insert(String(match.1)) }
            }
        }
        // For replies without any type; one that is put together from a state; and those that are passed to a check.
        code = code.subtracting(["error"]).union(["dead-letter-replayed", "dead-letter-handled", "dead-letter-discarded", "more-than-left", "more-than-shipped"])
        let document = try #require(try YAMLReader.read(TestIngress.document.get().yaml))
        let catalogue = try ProblemCatalogue(DocumentNode(node: document, root: document, file: "openapi.yaml", place: "document"))
        #expect(Set(catalogue.types.map(\.name)) == code)
    }

    @Test func `a request is written so that it can be pasted`() throws {
        let page = try #require(try Self.pages()["/docs/carts.checkouts.create"]).replacing("<span class=\"origin\">https://shop.example</span>", with: "https://shop.example")
        // A single quote inside a shell string in single quotes.
        #expect(page.contains("12 St James&#39;\\&#39;&#39;s Square"))
        #expect(page.contains("curl -X POST &#39;https://shop.example/v1/checkouts&#39;"))
        #expect(page.contains("&quot;Idempotency-Key&quot;: str(uuid.uuid4())"))
        #expect(RequestExample.encoded("red shoes/ü?") == "red%20shoes%2F%C3%BC%3F")
        #expect(JSONText.indented(try #require(try YAMLReader.read(Array("{a: true, b: null, c: 'true'}".utf8))), as: .python) == "{\n  \"a\": True,\n  \"b\": None,\n  \"c\": \"true\"\n}")
    }

    @Test(arguments: [
        ("Two\nlines.\n\nAnother.", "<p>Two\nlines.</p><p>Another.</p>"),
        ("## A `b` & c\ntext", "<h2 id=\"a-b-c\">A <code>b</code> &amp; c</h2><p>text</p>"),
        ("- one\n- two\ngoes on", "<ul><li>one</li><li>two\ngoes on</li></ul>"),
        ("```\n<b> `x`\n\n## y\n```\nz", "<pre tabindex=\"0\"><code>&lt;b&gt; `x`\n\n## y</code></pre><p>z</p>"),
        ("**bold** and `GET /v1/a`", "<p><b>bold</b> and <a href=\"/docs/a\"><code>GET /v1/a</code></a></p>"),
        ("a ` alone, <i>", "<p>a ` alone, &lt;i&gt;</p>"),
    ])
    func `prose is the Markdown that the document uses, and nothing of it becomes markup`(text: String, html: String) {
        #expect(HTML(links: ["GET /v1/a": "/docs/a"]).prose(text) == html)
    }
}
