/// What all pages of the reference have in common: head, header and navigation.
struct PageLayout {
    private let site: String
    private let navigation: String

    init(reference: Reference) throws(OpenAPIError) {
        site = HTML.escape(reference.title)
        navigation = Self.navigation(reference)
    }

    func page(_ path: String, title: String, _ content: String) -> String {
        let title = HTML.escape(title)
        let link = "href=\"\(path)\""
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title == "\(site) API" ? title : "\(title) · \(site) API")</title>
            <link rel="icon" href="data:,">
            <link rel="stylesheet" href="\(Reference.style)">
            <script src="\(Reference.script)" defer></script>
            </head>
            <body>
            <a class="skip" href="#content">Skip to content</a>
            <header class="site">
            <a class="name" href="\(Reference.home)">\(site) <span>API</span></a>
            <button type="button" class="menu" popovertarget="navigation">Menu</button>
            </header>
            <nav id="navigation" aria-label="Reference" popover>
            \(navigation.replacing(link, with: "\(link) aria-current=\"page\""))
            </nav>
            <main id="content" tabindex="-1">
            \(content)
            </main>
            </body>
            </html>

            """
    }

    private static func navigation(_ reference: Reference) -> String {
        var html = """
            <form role="search" class="search" hidden>
            <label for="search">Search</label>
            <input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="refund, stock, idempotency">
            <p role="status" class="found"></p>
            </form>
            <ul><li><a href="\(Reference.home)">Getting started</a></li></ul>
            <h2><a href="\(Reference.concepts)">Concepts</a></h2><ul>
            """
        for heading in HTML.headings(reference.conceptText) {
            html += "<li><a href=\"\(Reference.concepts)#\(heading.anchor)\">\(HTML.escape(heading.title))</a></li>"
        }
        html += "<li><a href=\"\(Reference.errors)\">Problem types</a></li></ul>\n"
        for group in reference.groups {
            html += "<h2>\(HTML.escape(group.name))</h2><ul>"
            for operation in group.operations {
                let method = operation.endpoint.method
                html += """
                    <li><a href="\(operation.page)" data-operation="\(method.lowercased()) \(HTML.escape(operation.endpoint.path))">\
                    <span>\(HTML.escape(operation.summary))</span> \(MethodBadge.html(method))</a></li>
                    """
            }
            html += "</ul>\n"
        }
        return html
    }
}

enum MethodBadge {
    static func html(_ method: String) -> String { "<span class=\"method \(method.lowercased())\">\(method)</span>" }
}
