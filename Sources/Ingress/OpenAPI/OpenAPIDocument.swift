import FoundationEssentials
import YAML

/// `topology/openapi.yaml`: the HTTP contract, and with it the routing table. Read once, at start.
public struct OpenAPIDocument: Sendable {
    /// A larger file is not read.
    public static let maximumBytes = 4_194_304

    /// In the order of the document.
    public let endpoints: [Endpoint]
    /// The document as it is in the file.
    let yaml: [UInt8]
    let routes: RoutingTable
    private let content: DocumentNode

    /// The operations that the document routes, and those that `Prefer: wait` leads to.
    public var operationIDs: [String] { endpoints.map(\.operationID) }
    public var waitOperationIDs: [String] { endpoints.compactMap(\.waitOperation) }
    /// Those that keep pieces of bodies.
    public var uploadOperationIDs: [String] { endpoints.compactMap(\.uploadOperation) }

    /// Operations that return the versions of resources that clients listen to.
    public var streamOperationIDs: [String] { endpoints.compactMap(\.streamOperation) }

    public init(path: String) throws(OpenAPIError) {
        let bytes: [UInt8]
        do {
            bytes = try Array(Data(contentsOf: URL(filePath: path)))
        } catch {
            throw OpenAPIError(file: path, line: nil, place: "document", message: "cannot be read; run wharf in the project's folder, or give --openapi")
        }
        try self.init(yaml: bytes, file: path)
    }

    /// `file` names the document in errors.
    public init(yaml: [UInt8], file: String) throws(OpenAPIError) {
        guard yaml.count <= Self.maximumBytes else {
            throw OpenAPIError(file: file, line: nil, place: "document", message: "is larger than \(Self.maximumBytes) bytes")
        }
        let node: YAMLNode?
        do throws(YAMLReader.Failure) {
            node = try YAMLReader.read(yaml)
        } catch {
            throw OpenAPIError(file: file, line: error.line, place: "document", message: "is not YAML: \(error.message)")
        }
        guard let root = node else { throw OpenAPIError(file: file, line: nil, place: "document", message: "is empty") }
        content = DocumentNode(node: root, root: root, file: file, place: "document")
        endpoints = try Self.endpoints(content)
        routes = try RoutingTable(endpoints, in: content)
        self.yaml = yaml
    }

    /// The document as JSON. Each call renders it, like ``reference()``, because not every role that reads the document needs it.
    func json() -> [UInt8] { Array(JSONText.text(of: content.node).utf8) }

    /// The document as pages for human readers, by path.
    func reference() throws(OpenAPIError) -> [String: [UInt8]] { try Reference(document: content, endpoints: endpoints).pages() }

    private static func endpoints(_ document: DocumentNode) throws(OpenAPIError) -> [Endpoint] {
        let version = try document.required("openapi").text()
        guard version.hasPrefix("3.1.") else {
            throw document.error("'openapi' is '\(version)'; 3.1 is expected")
        }
        var endpoints: [Endpoint] = []
        var known: Set<String> = []
        for (path, item) in try document.required("paths").entries() {
            let item = item.at(path)
            let shared = try item.value("parameters")?.elements() ?? []
            for (method, operation) in try item.entries() where !pathItemFields.contains(method) {
                let operation = operation.at("\(method.uppercased()) \(path)")
                guard EndpointReader.methods.contains(method) else {
                    let accepted = EndpointReader.methods.joined(separator: ", ")
                    throw operation.error("the method is none of \(accepted)")
                }
                let endpoint = try EndpointReader(
                    method: method, path: path, operation: operation, sharedParameters: shared
                ).read()
                guard known.insert(endpoint.operationID).inserted else {
                    throw operation.error("the operationId '\(endpoint.operationID)' is used twice in the document")
                }
                endpoints.append(endpoint)
            }
        }
        return endpoints
    }

    private static let pathItemFields: Set<String> = ["parameters", "summary", "description"]
}
