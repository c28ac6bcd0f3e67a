import Messaging

/// The API reference: pages for human readers, rendered once from the document. They need the style and the script beside this file and nothing else.
struct Reference {
    static let home = "/docs"
    static let concepts = "/docs/concepts"
    static let errors = "/docs/errors"
    static let style = "/docs/reference.css"
    static let script = "/docs/reference.js"

    /// An operation with its part of the document.
    struct Operation {
        let endpoint: Endpoint
        let node: DocumentNode
        let summary: String

        var page: String { Reference.page(of: endpoint.operationID) }
    }

    struct Group {
        let name: String
        let description: String
        let operations: [Operation]
    }

    let document: DocumentNode
    let title: String
    let introduction: String
    /// The concepts' text, from the first heading on.
    let conceptText: String
    /// By tag, in the order of the document's tags.
    let groups: [Group]
    let problems: ProblemCatalogue
    let html: HTML

    var operations: [Operation] { groups.flatMap(\.operations) }

    static func page(of operationID: String) -> String { "\(home)/\(operationID)" }

    init(document: DocumentNode, endpoints: [Endpoint]) throws(OpenAPIError) {
        self.document = document
        let info = try document.required("info")
        title = try info.value("title")?.text() ?? "API"
        let description = try info.value("description")?.text() ?? ""
        let start = description.firstRange(of: "\n## ")?.lowerBound ?? description.endIndex
        introduction = String(description[..<start])
        conceptText = String(description[start...])
        groups = try Self.groups(document, endpoints)
        problems = try ProblemCatalogue(document)
        var links: [String: String] = [:]
        for endpoint in endpoints { links["\(endpoint.method) \(endpoint.path)"] = Self.page(of: endpoint.operationID) }
        for problem in problems.types { links[problem.name] = "\(Self.errors)#\(problem.name)" }
        html = HTML(links: links)
    }

    /// Each page by its path. Fails as the document does when a `$ref` leads nowhere.
    func pages() throws(OpenAPIError) -> [String: [UInt8]] {
        let layout = try PageLayout(reference: self)
        var pages = [
            Self.home: layout.page(Self.home, title: "\(title) API", try HomePage(reference: self).html()),
            Self.concepts: layout.page(Self.concepts, title: "Concepts", "<h1>Concepts</h1>\(html.prose(conceptText))"),
            Self.errors: layout.page(Self.errors, title: "Errors", try ErrorPage(reference: self).html()),
        ]
        for operation in operations {
            pages[operation.page] = layout.page(operation.page, title: operation.summary, try OperationPage(reference: self, operation: operation).html())
        }
        return pages.mapValues { Array($0.utf8) }
    }

    private static func groups(_ document: DocumentNode, _ endpoints: [Endpoint]) throws(OpenAPIError) -> [Group] {
        var byTag: [String: [Operation]] = [:]
        let paths = try document.required("paths")
        for endpoint in endpoints {
            let node = try paths.required(endpoint.path).required(endpoint.method.lowercased())
            let tag = try node.value("tags")?.elements().first?.text() ?? ""
            byTag[tag, default: []].append(Operation(endpoint: endpoint, node: node, summary: try node.value("summary")?.text() ?? endpoint.operationID))
        }
        var groups: [Group] = []
        for tag in try document.value("tags")?.elements() ?? [] {
            let name = try tag.required("name").text()
            guard let operations = byTag.removeValue(forKey: name) else { continue }
            groups.append(Group(name: name, description: try tag.value("description")?.text() ?? "", operations: operations))
        }
        let rest = byTag.sorted { $0.key < $1.key }.flatMap(\.value)
        return rest.isEmpty ? groups : groups + [Group(name: "other", description: "", operations: rest)]
    }
}
