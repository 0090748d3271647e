autocmd BufNewFile,BufRead *.ptd setfiletype ptd
